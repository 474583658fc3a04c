"""The Compare page: what stands beside what, what is marked, and what the slider does."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.assess import messages
from Dashboard.ui.compare.rows import ROWS
from Dashboard.ui.compare.threshold import at
from tests.dashboard.conftest import CURVE, point
from tests.dashboard.drawing import content, update
from tests.dashboard.sending import as_form, refused

EMPTY = ("Reasons", "Body site", "Histology", "Clinician's verdict")
OUTPUTS = {
    "compare-verdict": "children",
    "compare-message": "children",
    "compare-rule": "children",
    "compare-words": "children",
    "compare-threshold": "value",
}


@pytest.fixture(scope="module")
def owner(app: Any) -> FlaskClient:
    client: FlaskClient = app.server.test_client()
    return client


@pytest.fixture(scope="module")
def keys(owner: FlaskClient, encode: Callable[..., bytes]) -> list[str]:
    """A malignant picture, a benign one judged by another model, and one to be retaken."""
    answers = [
        as_form(owner, encode(kind), path="/assessments", model=model).get_json()
        for kind, model in (("malignant", "plain"), ("benign", "careful"), ("blurred", "plain"))
    ]
    words = {"lesion": {"name": "L1"}, "note": "Grew."}
    assert owner.patch(f"/assessments/{answers[0]['id']}", json=words).status_code == 200
    return [answer["id"] for answer in answers]


def judge(client: FlaskClient, value: Any, keys: Any, source: str = "threshold.value") -> Any:
    inputs = {"compare-threshold": ("value", value), "compare-reset": ("n_clicks", 1)}
    state = {"compare-keys": ("data", keys)}
    return update(client, OUTPUTS, inputs, state, changed=f"compare-{source}")


def test_a_column_for_each_picture_in_the_order_asked_for(
    owner: FlaskClient, keys: list[str]
) -> None:
    shown = content(owner, "/compare", f"?cases={','.join(keys)}")
    assert "ResNeXt" not in shown  # the models of this server
    for text in (
        *(row.name for row in ROWS if row.name not in EMPTY),
        messages.CONSULT, messages.RETAKE, "L1", "Grew.", "The quality gate rejects the image",
        "plain (ResNet-18) by the most likely class", "from a malignant probability of 5.0%",
        "-66 points", f"/assessments/{keys[2]}/view.jpg?max=480", "Put first",
    ):  # fmt: skip
        assert text in shown
    assert "Histology" not in shown  # nobody knows it
    again = content(owner, "/compare", f"?cases={keys[1]},{keys[0]}")
    assert "+66 points" in again
    assert again.index(f"/cases/{keys[1]}") < again.index(f"/cases/{keys[0]}")


def test_what_is_not_shown_is_said(
    owner: FlaskClient, keys: list[str], client: FlaskClient
) -> None:
    assert "the first 8 are shown" in content(
        owner, "/compare", f"?cases={'x,y,z,' * 3}a,b,c,d,e,f"
    )
    shown = content(owner, "/compare", f"?cases={keys[0]},nothing")
    assert "1 of the 2 pictures named is not among those that are kept for you." in shown
    assert "Select two to eight pictures" in shown
    assert "Select two to eight pictures" in content(owner, "/compare", "")
    foreign = content(client, "/compare", f"?cases={','.join(keys)}")
    assert "3 of the 3 pictures named are not among those" in foreign
    assert "Grew." not in foreign


def test_the_slider_says_which_rule_gives_each_verdict(owner: FlaskClient, keys: list[str]) -> None:
    shown = str(judge(owner, 60, keys).get_json())
    assert "The malignant probability reaches the threshold" in shown
    assert f"As assessed: {messages.CONSULT}." in shown  # of the benign one
    assert shown.count(messages.NO_APPOINTMENT) == 1
    assert "Tried out: 60.0% for all pictures" in shown
    assert "Sensitivity 80.0%, specificity 76.0%" in shown
    higher = str(judge(owner, 90, keys).get_json())
    assert "A malignant class is the most likely" in higher
    assert "reaches the threshold" not in higher
    lower = str(judge(owner, 1, keys).get_json())
    assert "As assessed" not in lower
    assert lower.count(messages.CONSULT) == 2
    assert lower.count(messages.RETAKE) == 1  # whatever the threshold


def test_the_way_back_to_what_was_advised(owner: FlaskClient, keys: list[str]) -> None:
    answer = judge(owner, 60, keys, "reset.n_clicks").get_json()["response"]
    assert answer["compare-threshold"]["value"] == 5.0
    assert messages.NO_APPOINTMENT not in str(answer["compare-message"])
    assert "As assessed, each picture by its own model" in str(answer["compare-words"])


def test_a_picture_that_was_deleted_meanwhile_keeps_its_column(
    owner: FlaskClient, keys: list[str]
) -> None:
    answer = judge(owner, 60, ["gone", keys[0]]).get_json()["response"]
    cells = answer["compare-verdict"]["children"]
    assert len(cells) == 3
    assert "No longer kept" in str(cells[1])


@pytest.mark.parametrize("value", ["x", None, -1, 101, [], {}])
def test_a_threshold_that_is_none(owner: FlaskClient, keys: list[str], value: Any) -> None:
    assert "from 0 to 100" in refused(judge(owner, value, keys), 400)


@pytest.mark.parametrize("named", [None, "x", [1], ["x"] * 9])
def test_keys_that_are_none(owner: FlaskClient, named: Any) -> None:
    assert "at most eight keys" in refused(judge(owner, 50, named), 400)


def test_between_the_points_of_a_curve_and_at_the_point_in_use() -> None:
    assert at(CURVE, point(0.05), 0.05) == (0.91, 0.73)
    assert at(CURVE, point(0.05), 0.75) == pytest.approx((0.65, 0.85))
    assert at(CURVE, None, 0.25) == pytest.approx((0.95, 0.45))
    assert at(CURVE, {"threshold": 0.05}, 1.0) == (0.4, 1.0)
