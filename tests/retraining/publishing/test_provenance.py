"""Versions of checkpoints tell apart what was made on one day; lineage says how it was made."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.checkpoint.card import WEIGHTS_DIR, load_card
from models.checkpoint.card_files import write_card
from models.checkpoint.card_text import origin_facts
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance
from models.registry.taxonomy import HAM10000

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.publishing.provenance import provenance, without_folders
from retraining.publishing.publish import next_version
from retraining.training.config import TrainConfig

TODAY = datetime.now(UTC).strftime("%Y.%m.%d")


@pytest.mark.parametrize(
    ("there", "made"),
    [
        (None, TODAY),
        ("2020.01.31", TODAY),
        ("2020.01.31.4", TODAY),
        ("of mine", TODAY),
        (TODAY, f"{TODAY}.2"),
        (f"{TODAY}.9", f"{TODAY}.10"),
    ],
)
def test_the_next_version(tmp_path: Path, there: str | None, made: str) -> None:
    if there:
        card = json.loads((WEIGHTS_DIR / "resnext50_32x4d" / "card.json").read_text())
        (tmp_path / "card.json").write_text(json.dumps({**card, "version": there}))
    assert next_version(tmp_path) == made


def write_checkpoint(folder: Path, provenance: Provenance) -> str:
    """A folder that is located as a checkpoint, with the hash `NAME` eight times."""
    folder.mkdir()
    card = load_card(WEIGHTS_DIR / "efficientnet_lite0")
    card = replace(card, name=folder.name, version="1", weights_sha256=folder.name * 8)
    write_card(folder, card, ModelEvaluation(), provenance)
    (folder / "model.safetensors").touch()
    return str(folder)


def test_the_lineage_holds_every_ancestor_once(tmp_path: Path) -> None:
    imagenet = {"start": "imagenet", "source": "torchvision"}
    oldest = {"oldest 1 01234567": {"recipe": "finetune", "weights": imagenet, "teachers": []}}
    teachers = [
        write_checkpoint(
            tmp_path / name,
            Provenance(
                weights={"start": "oldest 1 01234567", "architecture": "a paper"},
                lineage=oldest,
                training={"recipe": "distill"},
            ),
        )
        for name in "ab"
    ]
    missing = str(tmp_path / "gone")
    config = TrainConfig(weights="none", teachers=(*teachers, missing))
    found = provenance(config, HAM10000)
    assert found.weights["start"] == "none"
    assert found.teachers == ["a 1 aaaaaaaa", "b 1 bbbbbbbb", "gone"]
    entry = {"recipe": "distill", "weights": {"start": "oldest 1 01234567"}, "teachers": []}
    assert found.lineage == oldest | {"a 1 aaaaaaaa": entry, "b 1 bbbbbbbb": entry, "gone": {}}
    assert found.reproducible.startswith("As far as the checkpoints in `lineage` are kept")


def test_what_its_ancestors_learnt_from_is_known(tmp_path: Path) -> None:
    teacher = write_checkpoint(
        tmp_path / "teacher", Provenance(split={"collections": {"HAM10000": 9, "MSK and UDA": 2}})
    )
    run = tmp_path / "run"
    run.mkdir()
    (run / "best.pt").touch()
    (run / "config.yaml").write_text("backbone: efficientnet_lite0\nweights: imagenet\n")
    (run / "split.json").write_text('{"collections": {"BCN20000": 5, "HAM10000": 9}}')
    config = TrainConfig(backbone="efficientnet_lite0", weights=str(run), teachers=(teacher,))
    found = replace(provenance(config, HAM10000), split={"collections": {"HAM10000": 9}})
    assert found.collections == ["HAM10000", "MSK and UDA", "BCN20000"]
    facts = origin_facts(load_card(Path(teacher)), found)
    assert facts["What it came of was trained besides on"] == "MSK and UDA, BCN20000"


def test_what_came_of_a_lost_checkpoint_is_lost(tmp_path: Path) -> None:
    lost = write_checkpoint(tmp_path / "lost", Provenance(reproducible="No: it is gone."))
    found = provenance(TrainConfig(backbone="efficientnet_lite0", weights=lost), HAM10000)
    assert found.reproducible.startswith("No: a checkpoint that it came of cannot be made again.")


def test_without_ancestors_a_training_can_be_repeated() -> None:
    found = provenance(TrainConfig(backbone="resnet18", weights="imagenet"), HAM10000)
    assert found.data["name"] == "HAM10000"
    assert (found.weights["start"], found.teachers, found.lineage) == ("imagenet", [], {})
    assert found.reproducible.startswith("Yes: ")


@pytest.mark.parametrize(
    ("start", "verdict"), [("imagenet", "Yes: by the steps of `lineage`"), ("lost", "No: ")]
)
def test_a_run_is_as_good_as_what_it_came_of(tmp_path: Path, start: str, verdict: str) -> None:
    write_checkpoint(tmp_path / "lost", Provenance(reproducible="No: its teacher is lost."))
    first = tmp_path / "first"
    first.mkdir()
    (first / "best.pt").touch()
    weights = start if start == "imagenet" else str(tmp_path / start)
    (first / "config.yaml").write_text(f"backbone: efficientnet_lite0\nweights: {weights}\n")
    second = TrainConfig(backbone="efficientnet_lite0", weights=str(first))
    assert provenance(second, HAM10000).reproducible.startswith(verdict)


def test_hints_are_named_with_their_licence() -> None:
    config = TrainConfig(backbone="resnext50_32x4d", weights="none", hints="folder/archive.tgz")
    found = provenance(config, HAM10000)
    assert (found.weights["start"], found.weights["licence"]) == ("hints", "MIT")
    facts = origin_facts(load_card(WEIGHTS_DIR / "resnext50_32x4d"), found)
    assert facts["Pretrained on"].startswith("ImageNet: those of Keras's ResNet50, from the npm pa")
    assert without_folders(config.to_dict())["hints"] == "archive.tgz"


def test_dinov2_says_through_whose_hands_it_came() -> None:
    config = TrainConfig(backbone="vit_small_patch14_dinov2", weights="imagenet")
    assert provenance(config, HAM10000).weights["note"].startswith("DINOv2's ViT-S/14 from img-fo")
