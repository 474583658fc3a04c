"""Small pictures and networks; importing this needs no torch."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from interpretability.attribution.progress import Meter
from interpretability.attribution.target import Target
from interpretability.attribution.task import Task
from models.registry.preprocessing import Preprocessing
from quality.arrays import RGBImage

if TYPE_CHECKING:
    from interpretability.attribution.networks import Networks

SIZE = 64


@pytest.fixture(scope="session")
def picture() -> RGBImage:
    """A dark disc on a pink ground, 90 x 120, with some noise."""
    y, x = np.mgrid[0:90, 0:120]
    ground = np.full((90, 120, 3), (220, 180, 165), np.float64)
    ground[np.hypot(x - 50, y - 40) < 22] = (110, 70, 60)
    noise = np.random.default_rng(3).normal(0, 6, ground.shape)
    return np.clip(ground + noise, 0, 255).astype(np.uint8)


def random_checkpoint(folder: Path, backbone: str) -> Path:
    """A checkpoint with random weights at 64 pixels whose classes differ, in `folder`."""
    torch = pytest.importorskip("torch")

    from models.checkpoint.card import Card
    from models.checkpoint.weights import save_checkpoint
    from models.registry.backbones import build_network, get_backbone, get_layer
    from models.registry.taxonomy import HAM10000

    torch.set_num_threads(1)  # on a busy machine threads wait for each other most of the time
    entry = get_backbone(backbone)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = build_network(backbone, len(HAM10000))
        get_layer(network, entry.head).weight.mul_(30)
    card = Card(
        name=folder.name, version="1", backbone=backbone, taxonomy=HAM10000,
        preprocessing=entry.preprocessing(SIZE), licence="none", temperature=2.0,
    )  # fmt: skip
    save_checkpoint(folder, network.state_dict(), card)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random resnet18, `root/tiny`."""
    return random_checkpoint(tmp_path_factory.mktemp("weights") / "tiny", "resnet18")


@pytest.fixture(scope="session")
def tiny_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random transformer, for the method that needs one."""
    folder = tmp_path_factory.mktemp("weights") / "transformer"
    return random_checkpoint(folder, "vit_small_patch14_dinov2")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for exports, kept over the run."""
    return tmp_path_factory.mktemp("cache")


MakeTask = Callable[..., Task]


@pytest.fixture(scope="session")
def make_task() -> MakeTask:
    """Builds a task of any score function or network, without a checkpoint."""

    def make(
        picture: RGBImage,
        settings: dict[str, float] | None = None,
        *,
        scores: Callable[[RGBImage], NDArray[np.float64]] | None = None,
        networks: "Networks | None" = None,
        target: Target = Target("nv", (5,)),  # noqa: B008 (frozen)
        size: int = SIZE,
        meter: Meter | None = None,
    ) -> Task:
        taken = Preprocessing(size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

        def asked(squares: RGBImage) -> NDArray[np.float64]:
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
