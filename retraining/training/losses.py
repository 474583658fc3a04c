"""What training makes small: the loss of the labels, and the teachers of a distillation.

Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015, arXiv:1503.02531; with
the same views for both, as in Beyer et al., Knowledge distillation: a good teacher is patient and
consistent, CVPR 2022, arXiv:2106.05237.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models.checkpoint.card import locate
from models.checkpoint.weights import load_network
from models.errors import CheckpointError
from models.registry.backbones import get_backbone
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.training.epoch_plan import check_codes
from retraining.training.networks import normalised
from retraining.training.run_folder import BEST_FILE, load_trained
from retraining.training.settings import TrainConfig

BETA = 0.999  # of the effective number of images


def loss_weights(
    config: TrainConfig, counts: NDArray[np.int64], codes: Sequence[str]
) -> NDArray[np.float64] | None:
    """The weight of every class in the loss, (C,); None where all weigh the same.

    counts: images of each class. The weights are scaled so that an image weighs 1 on average.
    """
    rule = config.class_weights
    if rule == "none":
        return None
    if isinstance(rule, Mapping):
        weights = np.array([float(rule.get(code, 1)) for code in codes])
        check_codes("class_weights", rule, codes)
    elif rule == "inverse":
        weights = 1 / counts
    elif rule == "sqrt_inverse":
        weights = 1 / np.sqrt(counts)
    else:
        weights = (1 - BETA) / (1 - BETA**counts)
    return np.asarray(weights * counts.sum() / (weights * counts).sum())


class LabelLoss(nn.Module):
    """Cross-entropy or focal loss of soft targets, with class weights.

    Equal to torch's `cross_entropy` with `weight` and `label_smoothing` for hard targets: the sum
    is divided by the weights of the targets before they were smoothed.
    """

    weight: torch.Tensor | None

    def __init__(self, config: TrainConfig, weight: NDArray[np.float64] | None) -> None:
        super().__init__()
        self.smoothing = config.label_smoothing
        self.gamma = config.focal_gamma if config.loss == "focal" else 0.0
        tensor = None if weight is None else torch.from_numpy(weight).float()
        self.register_buffer("weight", tensor, persistent=False)

    def forward(
        self, logits: torch.Tensor, target: torch.Tensor, *, together: bool = True
    ) -> torch.Tensor:
        """The loss, a scalar; logits and target (N, C) float32, rows of `target` sum to 1.

        together: whether the other processes of a distributed run have a share of this batch.
        """
        smoothed = target * (1 - self.smoothing) + self.smoothing / target.shape[1]
        if self.weight is None and not self.gamma:
            return functional.cross_entropy(logits, smoothed)
        log_p = functional.log_softmax(logits, 1)
        each = -smoothed * log_p
        if self.gamma:
            each = each * (1 - log_p.exp()) ** self.gamma
        if self.weight is None:
            return each.sum() / len(logits)
        divisor = (target * self.weight).sum()
        if together and torch.distributed.is_available() and torch.distributed.is_initialized():
            # Of all processes' images, so that the mean of their gradients is that of one.
            torch.distributed.all_reduce(divisor)
            divisor /= torch.distributed.get_world_size()
        return (each * self.weight).sum() / divisor


@dataclass
class Teacher:
    """A trained network, what it takes and the temperature that calibrates it."""

    network: nn.Module
    backbone: str
    preprocessing: Preprocessing
    temperature: float
    joined: bool = False

    @classmethod
    def load(cls, name: str, taxonomy: Taxonomy = HAM10000) -> "Teacher":
        """The checkpoint `name`, or the run in that folder as it stands: its temperature is 1.

        Raises ValueError where its classes are others, CheckpointError where it is neither.
        """
        try:
            folder = locate(name)
        except CheckpointError:
            if not (Path(name) / BEST_FILE).is_file():
                raise
            network, config, classes = load_trained(Path(name))
            backbone, temperature = config.backbone, 1.0
            preprocessing = get_backbone(backbone).preprocessing(config.stages[-1].size)
        else:
            network, card = load_network(folder)
            classes, backbone, temperature = card.taxonomy, card.backbone, card.temperature
            preprocessing = card.preprocessing
        if classes.codes != taxonomy.codes:
            raise ValueError(f"teacher {name!r} has other classes: {', '.join(classes.codes)}")
        network = network.to(memory_format=torch.channels_last).requires_grad_(False)
        return cls(network, backbone, preprocessing, temperature)

    def join_layers(self) -> None:
        """Have the network compiled for each size it sees, its weights being constants.

        Normalisation goes into the convolutions then: a third of the time on processors.
        """
        self.network.compile(dynamic=False)
        self.joined = True

    @torch.no_grad()
    def logits(self, raw: torch.Tensor) -> torch.Tensor:
        """(N, classes) float32, calibrated, of pictures (N, 3, H, H) in 0..1 at that size."""
        inputs = normalised(raw, self.preprocessing.mean, self.preprocessing.std)
        if not self.joined:
            return cast(torch.Tensor, self.network(inputs).float() / self.temperature)
        from torch._inductor import config  # takes a second, which only compiling needs

        with config.patch(freezing=True):
            return cast(torch.Tensor, self.network(inputs).float() / self.temperature)


@torch.no_grad()
def mean_log_probabilities(teachers: Sequence[Teacher], raw: torch.Tensor) -> torch.Tensor:
    """Logarithm of the teachers' mean probabilities, evenly frequent classes.

    raw: (N, 3, H, H) in 0..1, given to the teachers at that size. Returns (N, classes).
    """
    probabilities = [functional.softmax(teacher.logits(raw), 1) for teacher in teachers]
    # Far below any probability that matters; keeps the logarithm finite.
    return torch.stack(probabilities).mean(0).clamp_min(1e-6).log()
