"""Small pictures and networks; importing this needs no torch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from interpretability.progress import Meter
from interpretability.target import Target
from interpretability.task import Task
from models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from interpretability.networks import Networks

Picture = NDArray[np.uint8]
SIZE = 64


@pytest.fixture(scope="session")
def picture() -> Picture:
    """A dark disc on a pink ground, 90 x 120, with some noise."""
    y, x = np.mgrid[0:90, 0:120]
    ground = np.full((90, 120, 3), (220, 180, 165), np.float64)
    ground[np.hypot(x - 50, y - 40) < 22] = (110, 70, 60)
    noise = np.random.default_rng(3).normal(0, 6, ground.shape)
    return np.clip(ground + noise, 0, 255).astype(np.uint8)


MakeTask = Callable[..., Task]


@pytest.fixture(scope="session")
def make_task() -> MakeTask:
    """Builds a task of any score function or network, without a checkpoint."""

    def make(
        picture: Picture,
        settings: dict[str, float] | None = None,
        *,
        scores: Callable[[Picture], NDArray[np.float64]] | None = None,
        networks: "Networks | None" = None,
        target: Target = Target("nv", (5,)),  # noqa: B008 (frozen)
        size: int = SIZE,
        meter: Meter | None = None,
    ) -> Task:
        taken = Preprocessing(size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

        def asked(squares: Picture) -> NDArray[np.float64]:
            import torch

            assert networks is not None
            with torch.no_grad():
                logits = networks.folded(torch.from_numpy(taken.normalise(squares)))
            return target.score(logits.numpy())

        def given() -> "Networks":
            assert networks is not None
            return networks

        return Task(
            picture=picture,
            square=taken.resize(picture),
            preprocessing=taken,
            target=target,
            settings=settings or {},
            scores=scores or asked,
            networks=given,
            meter=meter or Meter(1),
            bfloat16=False,
        )

    return make
