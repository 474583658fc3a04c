"""Serving agrees with torch float32 on real pictures, with every checkpoint that is shipped."""

import csv
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quality
from models.checkpoint.card import DEFAULT_MODEL, available, load_card, locate, member_folders
from models.checkpoint.weights import load_network
from models.inference.classifier import Classifier
from models.inference.views import set_upright
from models.registry.backbones import get_backbone
from models.runtime import ov

pytestmark = [pytest.mark.torch, pytest.mark.slow]
PER_CLASS, BATCH = 12, 6
ARCHIVES = ("HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip")


@pytest.fixture(scope="module", params=sorted({DEFAULT_MODEL, *available()}))
def shipped(request: pytest.FixtureRequest, exported_models: Path) -> Path:
    if request.param not in available():
        pytest.skip(f"the checkpoint {request.param} is not in models/weights")
    return locate(request.param)


@pytest.fixture(scope="module")
def images(ham10000_root: Path) -> list[NDArray[np.uint8]]:
    """Pictures of all seven classes and the originals, which are larger and not square."""
    by_class = defaultdict(list)
    with (ham10000_root / "HAM10000_metadata.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            by_class[row["dx"]].append(row["image_id"])
    wanted = {f"{name}.jpg" for names in by_class.values() for name in names[:PER_CLASS]}
    found = [
        quality.read(path) for path in quality.find_inputs([ham10000_root / "originals"]).files
    ]
    for archive in ARCHIVES:
        with zipfile.ZipFile(ham10000_root / archive) as pictures:
            names = [name for name in pictures.namelist() if Path(name).name in wanted]
            found += [quality.decode(pictures.read(name)) for name in names]
    assert len(found) > 7 * PER_CLASS
    return found


@pytest.fixture(scope="module")
def computed() -> dict[Path, NDArray[np.float64]]:
    """Probabilities of the networks so far: members of an ensemble are shipped alone, too."""
    return {}


@pytest.fixture(scope="module")
def expected(
    shipped: Path,
    images: list[NDArray[np.uint8]],
    computed: dict[Path, NDArray[np.float64]],
    calm_torch: None,
) -> NDArray[np.float64]:
    """Probabilities of torch in float32; of an ensemble the weighted mean over its members."""
    card = load_card(shipped)
    networks = member_folders(shipped, card) or [shipped]
    for folder in networks:
        if folder not in computed:
            computed[folder] = probabilities(folder, images)
    members = [computed[folder] for folder in networks]
    if not card.members:
        return members[0]
    scaled = np.log(np.average(members, axis=0, weights=card.shares)) / card.temperature
    return np.asarray(np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True))


def probabilities(folder: Path, images: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    import torch

    network, card = load_network(folder)
    resized = np.stack([card.preprocessing.resize(set_upright(image)[0]) for image in images])
    batches = torch.from_numpy(card.preprocessing.normalise(resized)).split(BATCH)
    with torch.no_grad():
        logits = torch.cat([network(batch).double() for batch in batches])
    return np.asarray(torch.softmax(logits / card.temperature, dim=1))


def served(classifier: Classifier, images: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    predictions = classifier.predict(images)
    return np.array([list(prediction.probabilities.values()) for prediction in predictions])


def test_float32(
    shipped: Path, images: list[NDArray[np.uint8]], expected: NDArray[np.float64]
) -> None:
    got = served(Classifier(shipped, precision="f32"), images)
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert np.abs(got - expected).max() < 0.001


def test_bfloat16(
    shipped: Path, images: list[NDArray[np.uint8]], expected: NDArray[np.float64]
) -> None:
    card = load_card(shipped)
    members = [load_card(folder).backbone for folder in member_folders(shipped, card)]
    if not any(get_backbone(name).supports_bf16 for name in members or [card.backbone]):
        pytest.skip("it is not served in bfloat16")
    if "BF16" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bfloat16")
    got = served(Classifier(shipped, precision="bf16"), images)
    assert (np.abs(got - expected) < 0.02).mean() >= 0.99  # the rule of `supports_bf16`
    assert np.abs(got - expected).max() <= 0.04
    second, first = np.sort(expected, axis=1)[:, -2:].T
    clear = first - second > 0.03
    assert clear.sum() > len(images) / 2
    assert (got.argmax(axis=1) == expected.argmax(axis=1))[clear].all()
