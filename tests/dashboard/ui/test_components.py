"""What the pages are drawn with: data in, the right words and lengths out. No browser."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import pytest
from dash.development.base_component import Component

import quality
from Dashboard.assess import messages, worth
from Dashboard.assess.advice import Advice, Evidence, advise
from Dashboard.assess.rows import assessment_row
from Dashboard.assess.service import Assessment
from Dashboard.assess.thumbnails import thumbnail
from Dashboard.config import HAM10000_COUNTS
from Dashboard.ui.assess import intake
from Dashboard.ui.cases import outcomes, result
from Dashboard.ui.cases.gauges import gauges_of
from Dashboard.ui.cases.prevalence import prevalence_choice
from Dashboard.ui.elements import text
from Dashboard.ui.models.metrics import class_of, metric_name
from models.inference.classifier import Prediction
from models.registry.taxonomy import HAM10000
from tests.dashboard.conftest import point

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


def view(**values: Any) -> result.ResultView:
    return result.ResultView(assessment(**values), "data:image/jpeg;base64,", HAM10000)


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


def test_a_classified_image_shows_all_there_is_to_know() -> None:
    body = result.result_body(view())
    shown = words(body)
    assert messages.NO_APPOINTMENT in shown
    assert "Most likely Melanocytic nevi 80.0%" in shown
    assert (
        "Malignant probability 9.0% if 42.9% of the lesions are malignant, as the model assumes"
        in shown
    )
    assert "plain · version 0.1 · 71 ms" in shown
    bars = [part for part in walk(body) if getattr(part, "className", "") == "bar-fill"]
    assert [bar.style["width"] for bar in bars] == [
        "80.00%", "7.00%", "5.00%", "3.00%", "2.00%", "2.00%", "1.00%",
    ]  # fmt: skip
    malignant = [row for row in walk(body) if "is-malignant" in (getattr(row, "className", ""))]
    assert [words(row).split(" (")[0] for row in malignant] == [
        "Melanoma",
        "Actinic keratoses and intraepithelial carcinoma / Bowen's disease",
        "Basal cell carcinoma",
    ]


def test_a_rejected_image_shows_nothing_about_classes() -> None:
    rejected = {
        "quality": report(("laplacian_variance", "gamma")),
        "prediction": None,
        "decision": advise(Evidence(rejected=True)),
    }
    body = result.result_body(view(**rejected))
    shown = words(body)
    assert messages.RETAKE in shown
    assert "This image is too blurred and has too little contrast." in shown
    assert "About laplacian_variance. About gamma." in shown
    assert not any(name in shown for name in HAM10000.names)
    actions = [getattr(part, "data-action", None) for part in walk(body)]
    assert actions.count("classify-anyway") == 1


def test_an_image_that_is_not_dermatoscopic_has_its_own_message() -> None:
    prediction = replace(assessment().prediction, dermatoscopic=False)  # type: ignore[type-var]
    decision = advise(Evidence(dermatoscopic=False))
    body = result.result_body(view(prediction=prediction, decision=decision))
    assert messages.NOT_DERMATOSCOPIC in words(body)
    assert "Malignant probability" not in words(body)
    details = [part for part in walk(body) if type(part).__name__ == "Details"]
    assert len(details) == 1
    assert "Melanocytic nevi" in words(details)


def test_adjusted_probabilities_say_so() -> None:
    prior = dict.fromkeys(HAM10000.codes, 1 / 7)
    adjusted = words(result.result_body(view(prior=prior, threshold=0.2)))
    assert "if 42.9% of the lesions are malignant, as this clinic's frequencies say" in adjusted
    assert "consultation advised" not in adjusted
    plain = words(result.result_body(view(threshold=0.2)))
    assert "this clinic" not in plain
    assert "consultation advised from 20.0%" in plain


def test_a_benign_favourite_among_many_malignant_candidates_is_pointed_out() -> None:
    assert result.MORE_LIKELY_MALIGNANT not in words(result.result_body(view()))
    prediction = replace(assessment().prediction, p_malignant=0.61)  # type: ignore[type-var]
    body = result.result_body(view(prediction=prediction))
    assert messages.NO_APPOINTMENT in words(body)
    assert result.MORE_LIKELY_MALIGNANT in words(body)


def test_a_clearance_says_what_it_is_worth_and_what_to_tell_the_patient() -> None:
    told = worth.clearance(point(0.3))
    assert told in words(result.result_body(view(clearance=told)))
    assert told in assessment_row(assessment(clearance=told))["notes"]


def test_a_probability_stands_with_the_prior_it_is_for_and_a_prevalence() -> None:
    body = result.result_body(view())
    assert "if 42.9% of the lesions are malignant, as the model assumes" in words(body)
    assert worth.at_clinic(0.09, 3 / 7, 0.10) in words(body)
    (line,) = [part for part in walk(body) if getattr(part, "className", "") == "prevalence"]
    assert (getattr(line, "data-p"), getattr(line, "data-share")) == ("0.090000", "0.428571")
    # Nothing that could reassure stands where the image cannot rule anything out.
    unlike = advise(Evidence(in_distribution=False))
    assert "Where 10%" not in words(result.result_body(view(decision=unlike)))
    # A clinic that tells its frequencies starts from them, and its probability stays.
    prior = {"akiec": 3, "bcc": 5, "bkl": 11, "df": 1, "mel": 12, "nv": 66, "vasc": 2}
    shares = {code: count / 100 for code, count in prior.items()}
    clinic = words(result.result_body(view(prior=shares, malignant_share=0.2)))
    assert (
        "Where 20% of the lesions seen are malignant: of 100 lesions like this, about 9" in clinic
    )


def test_the_prevalences_to_choose_from() -> None:
    plain = prevalence_choice(None)
    assert (plain.value, plain.data) == ("10", ["2", "5", "10", "20"])
    shares = dict.fromkeys(HAM10000.codes, 1 / 7)
    clinic = prevalence_choice(shares)
    assert (clinic.value, clinic.data) == ("42.9", ["2", "5", "10", "20", "42.9"])


def test_second_opinions_stand_on_the_card_and_once() -> None:
    counted = "2 of 3 models advise a consultation."
    alike = replace(CLEARED, second_opinion=counted)
    differ = replace(alike, reasons=(counted,), certainty="uncertain")
    for decision in (alike, differ):
        body = result.result_body(view(decision=decision))
        assert words(body).count(counted) == 1
        marked = [p for p in walk(body) if "reason" in getattr(p, "className", "")]
        assert len(marked) == (decision is differ)


def test_an_overridden_gate_says_so() -> None:
    overridden = {"quality": report(("gamma",)), "gated": False}
    assert "Quality gate overridden" in words(result.result_body(view(**overridden)))
    assert "Quality gate overridden" not in words(result.result_body(view(gated=False)))
    row = assessment_row(assessment(**overridden))
    assert (row["gate_overridden"], row["quality"]) == (True, "reject")
    assert " ".join(overridden["quality"].reasons) in row["notes"]


def test_every_outcome_has_its_own_icon_label_and_colour() -> None:
    for attribute in ("key", "icon", "label"):
        values = [getattr(outcome, attribute) for outcome in outcomes.OUTCOMES]
        assert len(set(values)) == len(values)


def test_every_icon_that_is_asked_for_has_its_shape() -> None:
    pages = Path(outcomes.__file__).parents[1]
    assets = pages.parent / "assets"
    sources = [*assets.rglob("*.js"), *pages.rglob("*.py")]
    asked = {outcome.icon for outcome in outcomes.OUTCOMES}
    for source in sources:
        text = source.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\bicon\("([a-z-]+)"', text))
        asked |= set(re.findall(r'\bbutton\("[a-z-]+", "([a-z-]+)"', text))
    styles = (assets / "shell" / "icons.css").read_text(encoding="utf-8")
    assert len(asked) > 15
    for name in asked:
        assert f".icon-{name} {{" in styles, name
        assert (assets / "shell" / "icons" / f"{name}.svg").is_file()


def test_a_prior_is_told_and_so_is_its_absence() -> None:
    assert "equally frequent" in words(intake.frequencies_note(None))
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
