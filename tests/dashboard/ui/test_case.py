"""A case: what it says for each verdict, and whose it is. No browser."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import dash
import pytest
from dash.development.base_component import Component

from Dashboard.assess import messages, worth
from Dashboard.assess.advice import POOR, UNLIKE, Advice, Evidence, advise
from Dashboard.store.items import new_item
from Dashboard.store.schema import Item, Picture
from Dashboard.ui.cases import answer
from Dashboard.ui.cases.panel import case_of
from Dashboard.ui.cases.prevalence import say
from models.inference.classifier import Opinion, Prediction
from tests.dashboard.ui.test_components import PROBABILITIES, assessment, report, walk, words

Encode = Callable[..., bytes]
CLEARANCE = worth.clearance(None)
EVIL = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture(autouse=True)
def request_context(app: dash.Dash) -> Iterator[None]:
    """Links are made by the app, and what lesions there are is asked of its store."""
    with app.server.test_request_context():
        yield


def item(file: str = "a.jpg", **values: Any) -> Item:
    made = new_item(assessment(**values), file)
    made.key, made.created = "k" * 22, datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    made.changes = []
    made.picture = Picture(media_type="image/jpeg", size=1)
    return made


def prediction(**values: Any) -> Prediction:
    return Prediction(
        **{
            "code": "nv",
            "name": "Melanocytic nevi",
            "probability": 0.8,
            "probabilities": PROBABILITIES,
            "p_malignant": 0.09,
            "malignant": False,
            "model": "plain",
            "version": "0.1",
            **values,
        }
    )


def drawn(made: Item) -> Component:
    return case_of(made, order=2)


def one(part: Component, class_name: str) -> list[Component]:
    return [c for c in walk(part) if class_name in str(getattr(c, "className", "")).split()]


CONSULTATION = advise(Evidence(p_malignant=0.4, threshold=0.3))
CLEARED = advise(Evidence(p_malignant=0.09, threshold=0.3))
OPINIONS = [Opinion("a", "member", 0.5, False), Opinion("b", "member", 0.1, False)]
UNSURE = advise(Evidence(p_malignant=0.09, threshold=0.3, opinions=OPINIONS))
NEAR = advise(Evidence(p_malignant=0.09, threshold=0.3, in_distribution=False))
FAR = advise(Evidence(p_malignant=0.9, threshold=0.3, in_distribution=False, dermatoscopic=False))
POOR_ONE = advise(Evidence(rejected=True, gate=False, p_malignant=0.09, threshold=0.3))
BLURRED = report(("laplacian_variance",))


@pytest.mark.parametrize(
    ("values", "tone", "message", "says", "says_not"),
    [
        (
            {"decision": CONSULTATION},
            "consult",
            messages.CONSULT,
            ["reaches the threshold.", "of 100 like"],
            [],
        ),
        (
            {"decision": CLEARED, "clearance": CLEARANCE},
            "clear",
            messages.NO_APPOINTMENT,
            [CLEARANCE, worth.COME_BACK],
            ["Uncertain"],
        ),
        (
            {"decision": UNSURE, "clearance": CLEARANCE},
            "clear",
            messages.NO_APPOINTMENT,
            ["Uncertain: 1 of 2 models advises a consultation."],
            [],
        ),
        (
            {"decision": NEAR, "prediction": prediction(in_distribution=False)},
            "none",
            messages.NO_ADVICE,
            [UNLIKE, answer.WITHOUT_ADVICE, "Malignant probability"],
            ["Malignant of 100"],
        ),
        (
            {"decision": FAR, "prediction": prediction(in_distribution=False, dermatoscopic=False)},
            "ood",
            messages.NOT_DERMATOSCOPIC,
            [answer.NOT_ALWAYS_RIGHT, "What the classifier computed all the same"],
            ["Malignant probability", "Most likely"],
        ),
        (
            {"decision": Advice("retake", messages.RETAKE), "quality": BLURRED, "prediction": None},
            "retake",
            messages.RETAKE,
            ["This image is too blurred.", "About laplacian_variance.", "Not classified"],
            ["Malignant", "Melanocytic"],
        ),
        (
            {"decision": POOR_ONE, "quality": BLURRED, "gated": False},
            "none",
            messages.NO_ADVICE,
            [answer.OVERRIDDEN, POOR],
            [messages.NO_APPOINTMENT],
        ),
    ],
)
def test_what_a_case_says(
    values: dict[str, Any], tone: str, message: str, says: list[str], says_not: list[str]
) -> None:
    found = drawn(item(**values))
    (banner,) = one(found, "banner")
    assert (f"tone-{tone}" in banner.className, words(banner)) == (True, message)
    text = words(found)
    assert [part for part in says if part not in text] == []
    assert [part for part in says_not if part in text] == []


def test_a_clearance_beside_more_malignant_than_benign_asks_to_look_again() -> None:
    found = item(decision=CLEARED, prediction=prediction(p_malignant=0.6), clearance=CLEARANCE)
    assert answer.MORE_LIKELY_MALIGNANT in words(drawn(found))


def test_an_answer_of_an_earlier_release_is_drawn() -> None:
    made = item(decision=CLEARED)
    for name in ("malignant_share", "activation", "evidence"):
        made.answer.pop(name, None)
    assert "Most likely" in words(drawn(made))


def test_one_heading_of_its_order_and_the_name_as_text() -> None:
    for order in (1, 2):
        found = case_of(item(EVIL), order=order)
        titles = [c for c in walk(found) if type(c).__name__ == "Title"]
        assert [c.order for c in titles].count(order) == 1
        assert min(c.order for c in titles) == order
        assert words(titles[0]) == EVIL
    kinds = {type(c).__name__ for c in walk(found)}
    assert not kinds & {"Markdown", "DangerouslySetInnerHTML"}


@pytest.mark.parametrize(
    ("media_type", "width", "file"),
    [
        ("image/jpeg", 600, "picture"),
        ("image/tiff", 600, "view.jpg"),
        ("image/png", 12_001, "view.jpg"),
    ],
)
def test_what_browsers_do_not_show_comes_as_a_copy(media_type: str, width: int, file: str) -> None:
    made = item(quality=report(width=width))
    made.picture.media_type = media_type
    first, second = one(drawn(made), "viewer-picture")
    assert first.src == second.src == f"/assessments/{made.key}/{file}"


def test_a_ruler_needs_a_scale() -> None:
    made = item()
    assert "no ruler: the scale is not known" in words(drawn(made))
    (place,) = one(drawn(made), "viewer")
    assert getattr(place, "data-scale") == ""
    made.pixels_per_mm = 30.0
    (place,) = one(drawn(made), "viewer")
    assert getattr(place, "data-scale") == "0.05000000"


@pytest.mark.parametrize(
    ("percent", "of", "said"),
    [
        (10, [0.8, 3 / 7], "of 100 lesions like this, about 37 are malignant."),
        (None, [0.8, 3 / 7], ""),
        (0, [0.8, 3 / 7], ""),
        ("10", [0.8, 3 / 7], ""),
        (10, "0.8", ""),
    ],
)
def test_what_it_means_at_an_own_prevalence(percent: Any, of: Any, said: str) -> None:
    sentence = say(percent, of)
    assert sentence.endswith(said)
    assert bool(sentence) == bool(said)
