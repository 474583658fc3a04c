"""A card in words: what a clinician and a regulator read."""

from dataclasses import replace

import pytest

from models.checkpoint.card import WEIGHTS_DIR, Card, load_card
from models.checkpoint.card_text import (
    calibration_sentence,
    foreign_sentence,
    form_sentence,
    markdown,
    origin_facts,
    point_sentence,
)

SHIPPED = ("resnext50_32x4d", "efficientnet_lite0", "ensemble", "ensemble/efficientnet_lite2")


@pytest.fixture(scope="module")
def card() -> Card:
    return load_card(WEIGHTS_DIR / "resnext50_32x4d")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_text_is_the_card(name: str) -> None:
    folder = WEIGHTS_DIR / name
    assert (folder / "README.md").read_text(encoding="utf-8") == markdown(load_card(folder))


def test_every_section_and_none_without_content(card: Card) -> None:
    text = markdown(card)
    for title in (
        "# resnext50_32x4d",
        "## Intended use",
        "## Limits",
        "## Data and origin",
        "## Measured on test, 2,004 images",
        "## Advice",
        "## Calibration",
        "## By sex, age, body site and diagnosis",
        "## Pictures that are not dermatoscopic",
    ):
        assert f"\n{title}\n" in f"\n{text}"
    for table in text.split("\n\n"):
        if table.startswith("|"):
            assert len({line.count("|") for line in table.splitlines()}) == 1
    bare = Card("new", "1", card.backbone, card.taxonomy, card.preprocessing, "MIT")
    assert markdown(bare) == f"# new\n\nVersion 1, {card.backbone}, licence MIT.\n"


def test_sensitivity_on_test_stands_beside_what_was_chosen_on_val(card: Card) -> None:
    point = {"threshold": 0.2, "target_sensitivity": 0.95, "n": 1603}
    point |= {"sensitivity": 0.951, "specificity": 0.6}
    row = {"split": "test", "n": 2004}
    found = row | {"metric": "malignant_sensitivity_at_threshold", "value": 0.9}
    other = row | {"metric": "malignant_specificity_at_threshold", "value": 0.7}
    for high, less in ((0.94, True), (0.96, False), (None, False)):
        metrics = [found | {"low": 0.86, "high": high}, other]
        said = point_sentence(replace(card, operating_point=point, metrics=metrics))
        assert "On the test split (2,004 images): sensitivity 0.900" in said
        assert said.endswith("That is less than the 95.0%.") is less
    assert "test split" not in point_sentence(replace(card, operating_point=point, metrics=[]))


def test_what_the_temperature_did_is_told(card: Card) -> None:
    errors = {"ece_15": {"value": 0.07, "low": 0.05, "high": 0.1}}
    errors["ece_15_uncalibrated"] = {"value": 0.04, "low": 0.03, "high": 0.08}
    told = replace(card, temperature=0.8, calibration={"form": "trained", "test": errors})
    assert calibration_sentence(told) == (
        "Temperature 0.800, chosen on the validation split. Expected calibration error on the test "
        "split: 0.070 (0.050 to 0.100) with all classes weighing the same, 0.040 without the "
        "temperature."
    )
    assert form_sentence(told).startswith("Scores are of the network as it was trained")
    assert form_sentence(replace(card, calibration={"form": "served (f32)"})) == (
        "Scores are of the network as it is served (f32)."
    )
    mixed = replace(card, calibration={"form": "served (bf16)"})
    assert form_sentence(mixed) == "Scores are of the network as it is served (bf16)."
    assert form_sentence(replace(mixed, backbone="ensemble", members=["one", "two"])) == (
        "Scores are of the network as it is served (bf16, members that do not bear it in f32)."
    )
    assert form_sentence(replace(card, calibration={})) == ""


def test_the_facts_of_a_card(card: Card) -> None:
    pretrained = {"start": "imagenet", "source": "package:some_weights", "licence": "Apache-2.0"}
    told = replace(
        card,
        prior={"mel": 0.5, "nv": 0.5},
        split={
            "counts": {"train": {"mel": 1000, "nv": 234}, "test": {"mel": 5, "nv": 6}},
            "lesions": {"train": 900, "test": 10},
            "lesions_parted": 0,
            "sizes": {"600x450": 1245},
        },
        provenance={
            "data": {"name": "HAM10000", "licence": "CC BY-NC 4.0"},
            "weights": {"start": "older 1"},
            "teachers": ["other 2"],
            "ancestors": {
                "older 1": {"name": "older", "provenance": {"weights": pretrained}},
                "other 2": {"name": "other", "provenance": {"weights": pretrained}},
            },
        },
    )
    assert origin_facts(told) == {
        "Data": "HAM10000. CC BY-NC 4.0",
        "Parted": "1,234 images of 900 lesions to train; 11 images of 10 lesions to test; no "
        "lesion is in two parts",
        "Size of the images, pixels": "600 x 450 (1,245)",
        "Learnt before": "ImageNet: some_weights (Apache-2.0)",
        "Taught by": "other 2",
        "Prior": "probabilities stand for classes that are evenly frequent",
    }
    own = replace(card, prior={"mel": 0.1, "nv": 0.9}, provenance={}, split={})
    assert origin_facts(own) == {
        "Prior": "probabilities stand for these frequencies: mel 10.0%, nv 90.0%"
    }
    assert origin_facts(replace(own, prior={})) == {}


def test_every_shipped_card_says_what_it_was_made_of() -> None:
    for name in SHIPPED:
        card = load_card(WEIGHTS_DIR / name)
        facts = origin_facts(card)
        assert "HAM10000" in facts["Data"]
        assert facts["Parted"].endswith("no lesion is in two parts")
        assert "Learnt before" in facts or "Members" in facts
        assert card.ood
        assert "test images it takes" in foreign_sentence(card.ood)
