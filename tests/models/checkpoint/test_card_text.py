"""A checkpoint in words: what a clinician and a regulator read."""

from dataclasses import replace

import pytest

from models.checkpoint.card import WEIGHTS_DIR, Card, load_card
from models.checkpoint.card_text import (
    calibration_sentence,
    form_sentence,
    ood_sentence,
    origin_facts,
    point_sentence,
)
from models.checkpoint.evaluation import ModelEvaluation, load_evaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.checkpoint.readme import readme

NOTHING = ModelEvaluation()


@pytest.fixture(scope="module")
def card() -> Card:
    return load_card(WEIGHTS_DIR / "resnext50_32x4d")


def test_every_section_and_none_without_content(card: Card) -> None:
    folder = WEIGHTS_DIR / card.name
    text = readme(card, load_evaluation(folder), load_provenance(folder))
    for title in (
        "# resnext50_32x4d",
        "## Intended use",
        "## Limits",
        "## Data and origin",
        "## Measured on test, 2,004 images",
        "## Advice",
        "## Calibration",
        "## By sex, age, body site, skin tone and diagnosis",
        "## Pictures that are not dermatoscopic",
    ):
        assert f"\n{title}\n" in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 7
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    bare = Card("new", "1", card.backbone, card.taxonomy, card.preprocessing, "MIT")
    head, front, body = readme(bare, NOTHING, Provenance()).split("---\n")
    assert head == ""
    assert "license: mit\nlibrary_name: torchvision\n" in front
    assert "model-index" not in front
    assert body == f"\n# new\n\nVersion 1, {card.backbone}, licence MIT.\n"


def test_sensitivity_on_test_stands_beside_what_was_chosen_on_val(card: Card) -> None:
    point = {"threshold": 0.2, "target_sensitivity": 0.95, "n": 1603}
    point |= {"sensitivity": 0.951, "specificity": 0.6}
    chosen = replace(card, operating_points=[point])
    row = {"split": "test", "n": 2004}
    found = row | {"metric": "malignant_sensitivity_at_threshold", "value": 0.9}
    other = row | {"metric": "malignant_specificity_at_threshold", "value": 0.7}
    for high, less in ((0.94, True), (0.96, False), (None, False)):
        metrics = [found | {"low": 0.86, "high": high}, other]
        said = point_sentence(chosen, ModelEvaluation(metrics=metrics))
        assert "On the test split (2,004 images): sensitivity 0.900" in said
        assert said.endswith("That is less than the 95.0%.") is less
    assert "test split" not in point_sentence(chosen, NOTHING)
    assert point_sentence(replace(card, operating_points=[]), NOTHING) == ""


def test_the_sentence_on_calibration_says_what_the_temperature_did(card: Card) -> None:
    errors = {"ece_15": {"value": 0.07, "low": 0.05, "high": 0.1}}
    errors["ece_15_uncalibrated"] = {"value": 0.04, "low": 0.03, "high": 0.08}
    measured = ModelEvaluation(calibration={"form": "trained", "test": errors})
    assert calibration_sentence(replace(card, temperature=0.8), measured) == (
        "Temperature 0.800, chosen on the validation split. Expected calibration error on the test "
        "split: 0.070 (0.050 to 0.100) with all classes weighing the same, 0.040 without the "
        "temperature."
    )
    assert calibration_sentence(card, NOTHING) == ""
    assert form_sentence(card, measured).startswith("Scores are of the network as it was trained")
    assert form_sentence(card, ModelEvaluation(calibration={"form": "served (f32)"})) == (
        "Scores are of the network as it is served (f32)."
    )
    bf16 = ModelEvaluation(calibration={"form": "served (bf16)"})
    assert form_sentence(card, bf16) == "Scores are of the network as it is served (bf16)."
    assert form_sentence(replace(card, backbone="ensemble", members=["one", "two"]), bf16) == (
        "Scores are of the network as it is served (bf16, members that do not support it in f32)."
    )
    assert form_sentence(card, NOTHING) == ""


def test_where_data_and_weights_come_from(card: Card) -> None:
    pretrained = {"start": "imagenet", "source": "package:some_weights", "licence": "Apache-2.0"}
    origin = Provenance(
        reproducible="No: that is gone.",
        split={
            "counts": {"train": {"mel": 1000, "nv": 234}, "test": {"mel": 5, "nv": 6}},
            "lesions": {"train": 900, "test": 10},
            "lesions_leaked": 0,
            "sizes": {"600x450": 1245},
            "collections": {"HAM10000": 1000, "BCN20000": 234},
        },
        data={"name": "HAM10000", "licence": "CC BY-NC 4.0"},
        weights={"start": "older 1"},
        teachers=["other 2"],
        lineage={"older 1": {"weights": pretrained}, "other 2": {"weights": pretrained}},
        training={"summary": "In two steps."},
    )
    facts = {
        "Data": "HAM10000. CC BY-NC 4.0",
        "Trained besides on": "234 images of BCN20000",
        "Split": "1,234 images of 900 lesions to train; 11 images of 10 lesions to test; no "
        "lesion is in two splits",
        "Size of the images, pixels": "600 x 450 (1,245)",
        "Pretrained on": "ImageNet: some_weights (Apache-2.0)",
        "Training": "In two steps",
        "Teachers": "other 2",
        "Prior": "probabilities stand for classes that are evenly frequent",
        "Reproducible": "No: that is gone",
    }
    assert origin_facts(replace(card, prior={"mel": 0.5, "nv": 0.5}), origin) == facts
    leaked = replace(origin, split=origin.split | {"lesions_leaked": 2})
    assert origin_facts(card, leaked)["Split"].endswith("; 2 lesions leaked across splits")
    own = replace(card, prior={"mel": 0.1, "nv": 0.9})
    assert origin_facts(own, Provenance()) == {
        "Prior": "probabilities stand for these frequencies: mel 10.0%, nv 90.0%"
    }
    assert origin_facts(replace(own, prior={}), Provenance()) == {}


def test_no_sentence_on_an_ood_score_that_was_not_measured() -> None:
    assert ood_sentence(None) == ""


def test_what_was_learnt_from_as_something_else_is_said() -> None:
    ood = {
        "method": "a distance", "n": 100, "target_false_positive_rate": 0.015,
        "false_positive_rate": {"n": 200, "all": 0.01, "by_class": {"nv": 0.01}},
        "something_else": {"n_fit": 1888, "n_choose": 519, "flagged": 0.996, "origin": [{}, {}]},
    }  # fmt: skip
    assert ood_sentence(ood).startswith(
        "A distance. Learnt from 1,888 pictures of other things; of 519 by other makers "
        "(2 packages in all), which were not learnt from, 99.6% are flagged. The threshold is such "
    )
