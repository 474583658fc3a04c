"""What a model's card tells of its data, its origin and of pictures that are not dermatoscopic."""

from dataclasses import replace
from pathlib import Path

from Dashboard.components.card_origin import foreign_section, origin_facts
from models.checkpoints import WEIGHTS_DIR, load_card
from tests.dashboard.test_components import words


def test_the_facts_of_a_card(checkpoints: Path) -> None:
    plain = load_card(checkpoints / "plain")
    pretrained = {"start": "imagenet", "source": "timm", "licence": "Apache-2.0"}
    card = replace(
        plain,
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
    assert origin_facts(card) == {
        "Data": "HAM10000. CC BY-NC 4.0",
        "Parted": "1,234 images of 900 lesions to train; 11 images of 10 lesions to test; no "
        "lesion is in two parts",
        "Size of the images": "600 x 450 (1,245) pixels",
        "Learnt before": "ImageNet: timm (Apache-2.0)",
        "Taught by": "other 2",
        "Prior": "probabilities stand for classes that are evenly frequent",
    }
    own = replace(plain, prior={"mel": 0.1, "nv": 0.9}, provenance={}, split={})
    assert origin_facts(own) == {
        "Prior": "probabilities stand for these frequencies: mel 10.0%, nv 90.0%"
    }
    assert origin_facts(replace(own, prior={})) == {}


def test_what_is_rejected() -> None:
    found = {
        "method": "mean of the members' scores", "threshold": 1.0, "n": 1603,
        "target_false_alarms": 0.02,
        "false_alarms": {"split": "test", "n": 2004, "all": 0.018, "mel": 0.01},
        "pictures": {"all": 20, "noise": 5}, "views": {"all": 140, "noise": 5},
        "auroc": {"all": 0.9987, "noise": 0.99}, "auroc_interval": {"all": [0.99, 0.9995]},
        "rejected": {"all": 0.994, "noise": 1.0},
        "rejected_variants_of_test": {"n": 150, "bluish": 0.05},
    }  # fmt: skip
    shown = words(foreign_section(found))
    for part in (
        "Mean of the members' scores. The threshold takes 2.0% of the 1,603 validation images",
        "of the 2,004 test images it takes 1.8% (mel 1.0%)",
        "All 20 140 0.9987 (0.9900 to 0.9995) 99.4%",
        "Noise 5 5 0.9900 100.0%",
        "150 test images, changed: wrongly taken for something else",
        "bluish 5.0%",
    ):
        assert part in shown


def test_every_shipped_card_says_what_it_was_made_of() -> None:
    for name in ("resnext50_32x4d", "efficientnet_lite0", "ensemble"):
        card = load_card(WEIGHTS_DIR / name)
        facts = origin_facts(card)
        assert "HAM10000" in facts["Data"]
        assert facts["Parted"].endswith("no lesion is in two parts")
        assert "Learnt before" in facts or "Members" in facts
        assert foreign_section(card.ood)
