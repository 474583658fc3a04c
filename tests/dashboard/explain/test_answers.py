"""What the answers say of an explanation, for people: what it is of and how far it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from Dashboard.explain.answers import progress
from Dashboard.store.schema import Explanation

NAMES = {"mel": "Melanoma", "malignant": "All malignant classes"}


def row(**fields: Any) -> Explanation:
    """LIME at high precision of the predicted class, waiting."""
    asked = {"key": "k", "method": "lime", "precision": "High", "model": "plain", "target": None}
    begun = {"state": "queued", "fraction": 0.0, "estimate": 12.4, "error": None, "started": None}
    return Explanation(**{**asked, **begun, **fields})


def said(names: dict[str, str] = NAMES, **fields: Any) -> tuple[str, str]:
    answer = progress(row(**fields), names=names)
    return answer["title"], answer["words"]


@pytest.mark.parametrize(
    ("fraction", "ago", "status"),
    [
        (None, 0, "Waiting, about 12 s left"),
        (0.456, 2.69, "46%, about 3.2 s left"),
        (0.99, 0.1, "99%, about 0.1 s left"),
    ],
)
def test_how_far_one_is(fraction: float | None, ago: float, status: str) -> None:
    started = datetime.now(UTC) - timedelta(seconds=ago)
    begun = {"state": "running", "fraction": fraction, "started": started}
    assert progress(row(**({} if fraction is None else begun)))["status"] == status


def test_why_there_is_none() -> None:
    assert progress(row(state="failed", error="no memory"))["status"] == "no memory"
    assert progress(row(state="cancelled"))["status"] == ""


def test_what_one_is_of_before_and_after_it_is_done() -> None:
    assert said() == ("LIME", "Predicted class · High")
    assert said(target="malignant") == ("LIME", "All malignant classes · High")
    result = {"target": "mel", "probability": 0.4567, "seconds": 12.3, "width": 6, "height": 4}
    done = said(method="deeplift", state="done", result=result)[1]
    assert done == "Melanoma 45.7% · 12 s · fails the sanity check"


def test_a_model_and_a_method_that_are_gone_keep_their_names() -> None:
    assert said({}, method="old", model="gone", target="mel") == ("old", "mel")
