"""The shipped checkpoints: small cards, everything in one of their files, a README of them all."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from models.checkpoint.card import CARD_FILE, WEIGHTS_DIR, load_card
from models.checkpoint.card_files import MOST_BYTES, README_FILE
from models.checkpoint.card_text import ood_sentence, origin_facts
from models.checkpoint.evaluation import EVALUATION_FILE, HEADLINES, load_evaluation
from models.checkpoint.provenance import PROVENANCE_FILE, load_provenance
from models.checkpoint.readme import readme

SHIPPED = (
    "resnext50_32x4d",
    "efficientnet_lite0",
    "ensemble",
    "ensemble/efficientnet_lite0_field",
)


@pytest.fixture(params=SHIPPED)
def folder(request: pytest.FixtureRequest) -> Path:
    return WEIGHTS_DIR / str(request.param)


def test_the_card_is_small(folder: Path) -> None:
    assert (folder / CARD_FILE).stat().st_size <= MOST_BYTES == 8192


def test_the_files_hold_what_is_read_from_them(folder: Path) -> None:
    for name, found in (
        (CARD_FILE, load_card(folder)),
        (EVALUATION_FILE, load_evaluation(folder)),
        (PROVENANCE_FILE, load_provenance(folder)),
    ):
        assert json.loads((folder / name).read_text(encoding="utf-8")) == found.to_dict()


def test_the_card_repeats_the_headlines_of_the_evaluation(folder: Path) -> None:
    metrics = load_card(folder).metrics
    assert [row["metric"] for row in metrics] == list(HEADLINES)
    assert metrics == load_evaluation(folder).headlines()
    for row in metrics:
        assert row["split"] == "test"
        assert row["low"] <= row["value"] <= row["high"]


def test_the_readme_is_made_of_the_other_files(folder: Path) -> None:
    written = (folder / README_FILE).read_text(encoding="utf-8")
    assert written == readme(load_card(folder), load_evaluation(folder), load_provenance(folder))


def test_the_front_matter_is_what_model_hubs_read(folder: Path) -> None:
    _, front, _ = (folder / README_FILE).read_text(encoding="utf-8").split("---\n", 2)
    known = yaml.safe_load(front)
    assert known["license"] == "cc-by-nc-4.0"
    others = load_provenance(folder).collections
    assert known["datasets"] == ["HAM10000", *(one for one in others if one != "HAM10000")]
    assert {"image-classification", "dermoscopy"} <= set(known["tags"])
    assert known["library_name"] in {"torchvision", "timm", "pytorch"}
    (model,) = known["model-index"]
    assert model["name"] == folder.name
    (result,) = model["results"]
    assert result["task"]["type"] == "image-classification"
    assert (result["dataset"]["name"], result["dataset"]["split"]) == ("HAM10000", "test")
    test = load_evaluation(folder).on("test")
    assert [metric["type"] for metric in result["metrics"]] == known["metrics"]
    for metric in result["metrics"]:
        row = test[metric["type"]]
        assert metric["value"] == row["value"]
        assert metric["args"] == {key: row[key] for key in ("n", "low", "high")}


def test_its_origin_is_known(folder: Path) -> None:
    provenance = load_provenance(folder)
    assert provenance.reproducible.startswith(("Yes:", "No:"))
    assert len(provenance.split["sha256"]) == 64
    assert {*provenance.teachers, provenance.weights.get("start", "none")} <= {
        *provenance.lineage, "imagenet", "none",
    }  # fmt: skip
    facts = origin_facts(load_card(folder), provenance)
    assert "HAM10000" in facts["Data"]
    assert facts["Split"].endswith("no lesion is in two splits")
    assert "Pretrained on" in facts or "Members" in facts
    assert "test images it flags" in ood_sentence(load_evaluation(folder).ood)


@pytest.mark.parametrize("report", ["neighbours/agreement.csv", "retakes/percentiles.csv"])
def test_what_the_dashboard_says_of_a_model_was_measured_with_what_ships(report: str) -> None:
    with (WEIGHTS_DIR.parents[1] / "reports" / report).open(encoding="utf-8", newline="") as lines:
        measured = {(row["model"], row["version"]) for row in csv.DictReader(lines)}
    assert ("resnext50_32x4d", load_card(WEIGHTS_DIR / "resnext50_32x4d").version) in measured
    assert measured == {(model, load_card(WEIGHTS_DIR / model).version) for model, _ in measured}
