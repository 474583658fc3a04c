"""What the pages are drawn with: data in, the right words and lengths out. No browser."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import pytest
from dash.development.base_component import Component

import quality
from Dashboard.assess import messages
from Dashboard.assess.advice import Advice
from Dashboard.assess.service import Assessment
from Dashboard.assess.thumbnails import thumbnail
from Dashboard.config import HAM10000_COUNTS
from Dashboard.ui.cases.gauges import gauges_of
from Dashboard.ui.elements import outcomes, text
from Dashboard.ui.models.metrics import class_of, metric_name
from Dashboard.ui.worklist import intake
from models.inference.classifier import Prediction
from models.registry.taxonomy import HAM10000

OUTCOMES = (*outcomes.OF_VERDICT.values(), outcomes.OOD)
CLEARED = Advice("no_appointment", messages.NO_APPOINTMENT)
PROBABILITIES = dict(zip(HAM10000.codes, (0.02, 0.02, 0.03, 0.01, 0.05, 0.80, 0.07), strict=True))


def walk(part: Any) -> Iterator[Component]:
    """All components of a tree, outermost first."""
    if isinstance(part, list | tuple):
        for child in part:
            yield from walk(child)
    elif isinstance(part, Component):
        yield part
        yield from walk(getattr(part, "children", None))


def words(part: Any) -> str:
    """The text of a tree, pieces separated by one space."""
    if isinstance(part, str):
        return part
    if isinstance(part, list | tuple):
        return " ".join(" ".join(map(words, part)).split())
    if isinstance(part, dmc.Table):
        return words([part.data["caption"], part.data["head"], *part.data["body"]])
    return words(getattr(part, "children", "")) if isinstance(part, Component) else ""


def report(failed: tuple[str, ...] = (), **values: Any) -> quality.QualityReport:
    defaults = {
        "width": 600,
        "height": 450,
        "laplacian_variance": 150.0,
        "laplacian_variance_normalised": 90.0,
        "gamma": 0.25,
        "brightness": 170.4,
        "verdict": "reject" if failed else "accept",
        "reasons": tuple(f"About {name}." for name in failed),
        "notes": (),
        "failed": failed,
        "thresholds": quality.Thresholds(),
        "mode": "classic",
        "recommended_verdict": "reject",
    }
    return quality.QualityReport(**{**defaults, **values})


def assessment(**values: Any) -> Assessment:
    prediction = Prediction(
        code="nv",
        name="Melanocytic nevi",
        probability=0.8,
        probabilities=PROBABILITIES,
        p_malignant=0.09,
        malignant=False,
        model="plain",
        version="0.1",
    )
    defaults = {
        "quality": report(),
        "prediction": prediction,
        "decision": CLEARED,
        "gated": True,
        "model": "plain",
        "version": "0.1",
        "prior": None,
        "seconds": 0.0714,
        "malignant_share": 3 / 7,
    }
    return Assessment(**{**defaults, **values})


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.0%"), (0.0004, "<0.1%"), (0.4567, "45.7%"), (0.9996, ">99.9%"), (1, "100.0%")],
)
def test_a_probability_is_never_rounded_to_certainty(value: float, shown: str) -> None:
    assert text.percent(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0714, "71 ms"), (0.9996, "1000 ms"), (1.25, "1.2 s")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_gauges_hold_values_against_thresholds() -> None:
    sharpness, contrast, brightness = gauges_of(report(("gamma",), gamma=0.1))
    assert (sharpness.value, sharpness.threshold, sharpness.passed) == ("150", "15", True)
    assert sharpness.position == pytest.approx(np.log10(150) / 4)
    assert sharpness.threshold_position == pytest.approx(np.log10(15) / 4)
    assert (contrast.value, contrast.threshold, contrast.passed) == ("0.100", "0.15", False)
    assert (contrast.position, contrast.threshold_position) == (0.2, 0.3)
    assert (brightness.value, brightness.threshold, brightness.passed) == ("170", None, True)


def test_the_sharpness_shown_is_the_one_that_was_judged() -> None:
    assert gauges_of(report(mode="normalised"))[0].value == "90.0"


def test_every_outcome_has_its_own_icon_label_and_colour() -> None:
    for attribute in ("key", "icon", "label"):
        values = [getattr(outcome, attribute) for outcome in OUTCOMES]
        assert len(set(values)) == len(values)


def test_every_icon_that_is_asked_for_has_its_shape() -> None:
    pages = Path(outcomes.__file__).parents[1]
    assets = pages.parent / "assets"
    sources = [*assets.rglob("*.js"), *pages.rglob("*.py")]
    asked = {outcome.icon for outcome in OUTCOMES}
    for source in sources:
        text = source.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\bicon\("([a-z-]+)"', text))
        asked |= set(re.findall(r'\bbutton\("[a-z-]+", "([a-z-]+)"', text))
    styles = (assets / "shell" / "icons.css").read_text(encoding="utf-8")
    assert len(asked) > 15
    for name in asked:
        assert f".icon-{name} {{" in styles, name
        assert (assets / "shell" / "icons" / f"{name}.svg").is_file()


def test_a_clinics_prior_is_told() -> None:
    assert intake.frequencies_note(None) is None
    total = sum(HAM10000_COUNTS.values())
    prior = {code: count / total for code, count in HAM10000_COUNTS.items()}
    shown = words(intake.frequencies_note(prior))
    assert "Adjusted to this clinic" in shown
    assert "nv 66.9%, mel 11.1%" in shown


def test_metrics_are_told_apart_by_name() -> None:
    assert metric_name("balanced_accuracy") == "Balanced accuracy"
    assert metric_name("macro_auc") == "Macro AUC"
    assert class_of("auc_mel") == ("auc", "mel")
    assert class_of("macro_auc") is None
    assert class_of("mel") is None


def test_thumbnails_keep_shape_and_never_enlarge() -> None:
    address = thumbnail(np.full((900, 300, 3), 90, np.uint8))
    small = thumbnail(np.full((4, 3, 3), 90, np.uint8))
    for url, shape in ((address, (480, 160)), (small, (4, 3))):
        head, _, body = url.partition(",")
        assert head == "data:image/jpeg;base64"
        assert quality.decode(base64.b64decode(body)).shape[:2] == shape
