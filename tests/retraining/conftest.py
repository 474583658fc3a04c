"""A small data set in the layout of the distribution: coloured discs, one colour a class."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.registry.taxonomy import HAM10000
from retraining.data.formats import IMAGE_ARCHIVES, MASK_ARCHIVE, METADATA_FILE
from tests.models.pretrained.keras_archive import keras_archive as keras_archive
from tests.models.pretrained.keras_archive import keras_file as keras_file
from tests.models.pretrained.keras_archive import keras_layers as keras_layers

LESIONS_PER_CLASS = 10
IMAGES_PER_LESION = 2
LOG = {"epoch": 1.0, "size": 32.0, "lr": 0.1, "loss": 1.0, "val_macro_auc": 0.5, "seconds": 1.0}


def picture(colour: tuple[int, int, int], rng: np.random.Generator) -> bytes:
    """A JPEG of a disc on skin colour, 48x40 pixels."""
    y, x = np.mgrid[:40, :48]
    inside = (y - 20) ** 2 + (x - 24) ** 2 < rng.uniform(80, 200)
    pixels = np.where(inside[..., None], colour, (220, 180, 160)) + rng.normal(0, 8, (40, 48, 3))
    data = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(data, "JPEG", quality=95)
    return data.getvalue()


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two image archives, masks and metadata: 7 classes, 10 lesions each, 2 images a lesion."""
    folder = tmp_path_factory.mktemp("archives")
    rng = np.random.default_rng(0)
    rows, pictures, masks = [], {}, {}
    for c, code in enumerate(HAM10000.codes):
        colour = tuple(int(v) for v in rng.integers(0, 200, 3))
        for lesion in range(LESIONS_PER_CLASS):
            for _ in range(IMAGES_PER_LESION):
                name = f"IMG_{len(rows):04d}"
                lesion_id = f"L_{c}_{lesion:02d}"
                rows.append((lesion_id, name, code, "histo", 50.0, "female", "back"))
                pictures[name] = picture(colour, rng)
                masks[name] = b"mask"
    columns = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / METADATA_FILE, index=False)
    names = sorted(pictures)
    for archive, part in zip(IMAGE_ARCHIVES, (names[:70], names[70:]), strict=True):
        with zipfile.ZipFile(folder / archive, "w") as file:
            for name in part:
                file.writestr(f"{name}.jpg", pictures[name])
    with zipfile.ZipFile(folder / MASK_ARCHIVE, "w") as file:
        for name in names:
            file.writestr(f"{name}_segmentation.png", masks[name])
    return folder


@pytest.fixture(scope="module")
def splits(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set, split by lesion."""
    from retraining.data.index import prepare
    from retraining.data.splits import grouped_split, write_split

    folder = tmp_path_factory.mktemp("data")
    write_split(grouped_split(prepare(archives, folder)), folder, folder / "split")
    return folder / "split"


@pytest.fixture(scope="module")
def run(splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as training leaves it, with random features and a head that fits them."""
    import torch

    from models.registry.backbones import build_network
    from retraining.data.splits import load_split
    from retraining.training.config import Stage, TrainConfig
    from retraining.training.run_folder import LOG_FILE, claim

    folder = tmp_path_factory.mktemp("runs") / "run"
    folder.mkdir()
    config = TrainConfig(
        backbone="resnet18", weights="none", splits=str(splits), stages=(Stage(size=32, epochs=1),)
    )
    claim(folder, config, load_split(splits))
    pd.DataFrame([LOG]).to_csv(folder / LOG_FILE, index=False)
    torch.manual_seed(0)
    network = build_network("resnet18", 7).eval()
    fit_head(network, load_split(splits)["train"], folder.parent / "cache")
    torch.save(network.state_dict(), folder / "best.pt")
    return folder


def fit_head(network: Any, train: pd.DataFrame, cache: Path) -> None:
    """Make the last layer a linear discriminant of what comes before it."""
    import torch

    from models.registry.backbones import get_backbone
    from retraining.data.index import pixels
    from retraining.evaluation.scores import labels_of

    preprocessing = get_backbone("resnet18").preprocessing(32)
    batch = torch.from_numpy(preprocessing.normalise(pixels(train, Path(), 32, cache)))
    head, network.fc = network.fc, torch.nn.Identity()
    with torch.no_grad():
        features = network(batch)
        labels = torch.from_numpy(labels_of(train, HAM10000))
        means = torch.stack([features[labels == c].mean(0) for c in range(7)])
        spread = (features - means[labels]).var(0) + 1e-6
        scale = 0.05  # of the logits: few images, many features
        exact = scale * means / spread
        # Without this, colours would be told apart without an error.
        head.weight.copy_(exact + torch.randn_like(exact) * exact.std())
        head.bias.copy_(-scale / 2 * (means**2 / spread).sum(1))
    network.fc = head


@pytest.fixture(scope="module")
def evaluated(run: Path) -> Path:
    """The run, scored on val and test."""
    from retraining.evaluation.evaluate import evaluate_run

    evaluate_run(run, "test", run.parent / "cache", size=32, resamples=20)
    return run


@pytest.fixture(scope="module")
def root(evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints with `colours`, promoted and exported."""
    from retraining.publishing.publish import promote_run

    folder = tmp_path_factory.mktemp("weights")
    promote_run(evaluated, folder, "colours", resamples=20)
    return folder


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exports are made once for all tests."""
    folder = tmp_path_factory.getbasetemp() / "exports"
    monkeypatch.setenv("CACHE_DIR", str(folder))
    return folder
