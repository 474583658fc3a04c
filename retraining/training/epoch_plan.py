"""What an epoch draws: which images in which order, and all its random numbers.

An epoch's plan depends on the seed, the epoch and the learnt weights that the run began with alone,
so that an epoch that was cut off is drawn again as it was, and so that every process of a
distributed run draws the same. A run that goes on from another's weights draws others: a network
remembers single views, and one that is shown them again learns them by heart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retraining.training.settings import TrainConfig


@dataclass(frozen=True)
class Mix:
    """How the pictures of a batch are mixed with each other.

    share: of the picture itself; its partner has the rest.
    partner: positions of the partners in the batch, (N,).
    box: of the partner's pixels (top, bottom, left, right), shares of the side; None: mixup.
    """

    share: float
    partner: NDArray[np.int64]
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Plan:
    """The draws of one epoch.

    rows: images in the order in which they are learnt, (steps * batch size,).
    seeds: the generator of every step's augmentation.
    mixes: of every step; None: not mixed.
    """

    rows: NDArray[np.int64]
    seeds: list[np.random.Generator]
    mixes: list[Mix | None]


class Sampling:
    """How often images are drawn.

    start: of learnt weights that the run begins with, `first_weights.fingerprint`; 0: of none.
    """

    def __init__(
        self,
        config: TrainConfig,
        labels: NDArray[np.int64],
        codes: tuple[str, ...],
        start: int = 0,
    ) -> None:
        check_codes("multipliers", config.multipliers, codes)
        self.config = config
        self.start = start
        self.counts = counts = np.bincount(labels, minlength=len(codes))
        absent = [code for code, count in zip(codes, counts, strict=True) if not count]
        if absent:
            raise ValueError(
                "every class needs at least one image in train; there is none of "
                f"{', '.join(absent)}"
            )
        if config.sampler == "weighted":
            frequency = counts.astype(float) ** (1 - config.sampling)
            self.chances = (frequency / frequency.sum() / counts)[labels]
            self.chances /= self.chances.sum()
            self.images = config.epoch_images or len(labels)
        else:
            times = np.array([config.multipliers.get(code, 1) for code in codes])
            self.repeated = np.repeat(np.arange(len(labels)), times[labels])
            frequency = (counts * times).astype(float)
            self.images = len(self.repeated)
        # Of each class among the images that the loss sees.
        self.drawn = frequency / frequency.sum()
        self.steps = self.images // config.batch_size
        if self.steps < 1:
            raise ValueError(
                f"batch_size is {config.batch_size}, but train has {self.images} images"
            )

    def plan(self, epoch: int) -> Plan:
        """The draws of an epoch, counted from 0."""
        config = self.config
        rng = np.random.default_rng((config.seed, epoch, *((self.start,) if self.start else ())))
        count = self.steps * config.batch_size
        if config.sampler == "weighted":
            rows = rng.choice(len(self.chances), count, p=self.chances)
        else:
            rows = rng.permutation(self.repeated)[:count]
        seeds = rng.spawn(self.steps)
        mixes = [self._mix(rng) for _ in range(self.steps)]
        return Plan(rows, seeds, mixes)

    def _mix(self, rng: np.random.Generator) -> Mix | None:
        config = self.config
        own = config.batch_size // config.processes
        cut = config.cutmix > 0 and (config.mixup == 0 or rng.random() < 0.5)
        if not cut and config.mixup == 0:
            return None
        alpha = config.cutmix if cut else config.mixup
        share = float(rng.beta(alpha, alpha))
        partner = rng.permutation(own)
        if not cut:
            return Mix(share, partner)
        side = float(np.sqrt(1 - share))
        centre = rng.random(2)
        top, left = np.clip(centre - side / 2, 0, 1)
        bottom, right = np.clip(centre + side / 2, 0, 1)
        return Mix(share, partner, (float(top), float(bottom), float(left), float(right)))


def check_codes(key: str, given: Mapping[str, object], codes: Sequence[str]) -> None:
    """ValueError where a setting names a class that the data has not."""
    for code in given:
        if code not in codes:
            raise ValueError(f"{key} names the class {code!r}; the classes are {', '.join(codes)}")
