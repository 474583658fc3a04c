"""What a card says of what the evaluation measured."""

from typing import Any

import pytest

from models.registry.taxonomy import HAM10000, Taxonomy

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.publishing.model_card import limits

AT = "malignant_sensitivity_at_threshold"


def metric(value: float | None, low: float | None = None, high: float | None = None) -> Any:
    return {"value": value, "low": low, "high": high}


def group(by: str, name: str, n: int, malignant: int, sensitivity: float | None) -> Any:
    metrics = {} if sensitivity is None else {AT: metric(sensitivity)}
    return {"by": by, "group": name, "n": n, "malignant": malignant, "metrics": metrics}


def limits_of(sensitivities: dict[str, float], *groups: Any, split: Any = None) -> str:
    test = {f"sensitivity_{code}": metric(v, v - 0.1, v + 0.1) for code, v in sensitivities.items()}
    test[AT] = metric(0.9, 0.86, 0.94)
    return "\n".join(limits(test, groups, HAM10000, split or {}))


def test_the_class_that_is_recognised_least_is_the_one_with_the_smallest_share() -> None:
    split = {"counts": {"test": {"mel": 222, "df": 23}}}
    text = limits_of({"mel": 0.62, "df": 0.74, "nv": 0.9}, split=split)
    assert "class that is recognised least often: Melanoma, 62% of its 222 test images (52%" in text
    assert text.count("recognised least often") == 1
    text = limits_of({"mel": 0.8, "df": 0.7, "nv": 0.9}, split=split)
    assert "The class that is recognised least often: Dermatofibroma, 70% of its 23" in text
    assert "The malignant class that is recognised least often: Melanoma, 80% of its 222" in text


def test_what_the_operating_point_misses_and_in_whom() -> None:
    text = limits_of(
        {},
        group("sex", "female", 900, 150, 0.84),
        group("sex", "male", 900, 150, 0.94),
        group("age", "under 30", 130, 11, 0.6),
        group("age", "unknown", 14, 12, 0.1),
        group("localization", "ear", 200, 9, 0.1),
        group("localization", "back", 400, 200, None),
    )
    assert "At the operating point 90.0% (86.0% to 94.0%) of the malignant test images" in text
    assert "some groups, as far as so few tell: age under 30: 60% of 11; sex female: 84% of" in text
    assert "rough figure: under 30 (n = 130, 11 malignant), ear (n = 200, 9 malignant)." in text


@pytest.mark.parametrize(
    ("sizes", "said"), [({"224x224": 9, "10x9": 1}, True), ({"600x450": 1}, False), ({}, False)]
)
def test_copies_of_another_size_are_called_so(sizes: dict[str, int], said: bool) -> None:
    text = limits_of({}, split={"sizes": sizes})
    assert (
        "copies of HAM10000's images of 224 x 224 pixels; its own are of 600 x 450" in text
    ) is said


def test_copies_of_several_sizes_are_named() -> None:
    text = limits_of({}, split={"sizes": {"84x84": 900, "224x224": 700, "9x9": 4}})
    assert "on copies of pictures, of 84 x 84, 224 x 224 pixels; HAM10000's own are of" in text


def test_classes_of_ones_own() -> None:
    own = Taxonomy(("a", "b"), ("A", "B"), frozenset())
    found = limits({"sensitivity_a": metric(0.5)}, [], own, {"sizes": {"9x9": 4}})
    assert found[0].startswith("Knows 2 classes (a, b)")
    assert found[-1] == "The class that is recognised least often: A, 50% of its test images."
