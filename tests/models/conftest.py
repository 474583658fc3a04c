"""Small checkpoints with random weights, made once per test run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint.card import Card
from models.checkpoint.weights import load_network, save_checkpoint
from models.inference.views import set_upright
from models.registry.backbones import build_network, get_backbone, get_layer
from models.registry.taxonomy import HAM10000
from models.registry.transformers import as_map
from tests.models.pretrained.keras_archive import keras_archive as keras_archive
from tests.models.pretrained.keras_archive import keras_file as keras_file
from tests.models.pretrained.keras_archive import keras_layers as keras_layers

SIZE = 64
MakeCheckpoint = Callable[..., Path]


@pytest.fixture(scope="session")
def calm_torch() -> None:
    """torch on one thread: on a busy machine its threads wait for each other most of the time."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_checkpoint(calm_torch: None) -> MakeCheckpoint:
    """A function that writes a random checkpoint into a folder and returns the folder."""

    def make(folder: Path, backbone: str = "resnet18", **card: object) -> Path:
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = build_network(backbone, len(HAM10000))
        entry = get_backbone(backbone)
        with torch.no_grad():
            # As initialised the classes are nearly equally probable; a trained network decides.
            get_layer(network, entry.head).weight.mul_(30)
        fields = {
            "name": folder.name,
            "version": "1.2.3",
            "backbone": backbone,
            "taxonomy": HAM10000,
            "preprocessing": entry.preprocessing(SIZE),
            "licence": "none",
        }
        save_checkpoint(folder, network.state_dict(), Card(**(fields | card)))
        return folder

    return make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, make_checkpoint: MakeCheckpoint) -> Path:
    """The folder of a resnet18 at 64 pixels, `root/tiny`."""
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "tiny", temperature=2.0)


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A cache folder in which `tiny` is exported."""
    from models.export.export import export

    cache = tmp_path_factory.mktemp("cache")
    export(tiny, cache)
    return cache


@pytest.fixture(scope="session")
def pictures() -> list[NDArray[np.uint8]]:
    """Six RGB pictures of different sizes and colours: smooth blobs with some noise.

    Upright, so that the classifier sees them as they are.
    """
    rng = np.random.default_rng(7)
    made = []
    for height, width in ((64, 64), (45, 60), (450, 600), (128, 96), (70, 65), (300, 30)):
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        centre = rng.uniform(0.2, 0.8, (3, 2))
        blob = [np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) * 12)) for cx, cy in centre]
        values = 255 * np.stack(blob, axis=2) + rng.normal(0, 12, (height, width, 3))
        made.append(set_upright(values.clip(0, 255).astype(np.uint8))[0])
    return made


def stage_means(folder: Path, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """What the out-of-distribution score is computed from, by torch: (N, E)."""
    import torch

    network, card = load_network(folder)
    seen: list[torch.Tensor] = []
    for path in get_backbone(card.backbone).stages:
        get_layer(network, path).register_forward_hook(
            lambda _m, _i, output: seen.append(as_map(output).mean((2, 3)))
        )
    batch = card.preprocessing.normalise(np.stack([card.preprocessing.resize(p) for p in pictures]))
    with torch.no_grad():
        network(torch.from_numpy(batch))
    return torch.cat(seen, 1).numpy()
