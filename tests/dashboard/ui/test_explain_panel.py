"""The section of a case that asks for explanations: what it offers and says of a choice."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.store.sessions import COOKIE
from Dashboard.ui.cases.panel import find
from Dashboard.ui.explain.panel import FAILS, explain_panel, hint
from interpretability.methods import METHODS
from tests.dashboard.sending import as_json
from tests.dashboard.ui.test_components import walk, words

pytestmark = pytest.mark.usefixtures("app")
Encode = Callable[..., bytes]


@pytest.fixture
def kept(client: FlaskClient, encode: Encode) -> dict[str, Any]:
    answer: dict[str, Any] = as_json(client, encode("benign"), "/assessments").get_json()
    return answer


def panel(client: FlaskClient, key: str) -> Any:
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    headers = {"Cookie": f"{COOKIE}={cookie.value}"}
    with client.application.test_request_context(headers=headers):
        return explain_panel(find(key))


def test_methods_precisions_and_classes_are_offered(
    client: FlaskClient, kept: dict[str, Any]
) -> None:
    drawn = panel(client, kept["id"])
    assert getattr(drawn, "data-explain") == kept["id"]
    chosen = {one.name: one for one in walk(drawn) if getattr(one, "name", None)}
    assert [one["value"] for one in chosen["method"].data] == list(METHODS)
    assert chosen["precision"].data == ["Low", "Medium", "High"]
    assert [one["value"] for one in chosen["target"].data][:2] == ["", "akiec"]
    assert METHODS["gradcam"].text in words(drawn)


def test_what_was_rejected_is_not_explained(client: FlaskClient, encode: Encode) -> None:
    rejected = as_json(client, encode("pale"), "/assessments").get_json()
    assert panel(client, rejected["id"]) is None


def test_a_hint_says_what_a_method_does_and_what_is_against_it() -> None:
    for method in METHODS.values():
        offer = {"seconds": {method.name: {"Low": 0.25}}}
        said = hint(offer, method.name, "Low")
        assert said.startswith(f"{method.text} Takes about 250 ms.")
        assert said.endswith(FAILS) == method.fails_randomisation


def test_a_choice_changes_the_hint(client: FlaskClient, kept: dict[str, Any]) -> None:
    def choose(key: str, method: object, precision: object) -> Any:
        names = {"method": method, "precision": precision}
        ids = {name: {"key": key, "type": f"explain-{name}"} for name in (*names, "hint")}
        output = (
            '..{"key":["MATCH"],"type":"explain-hint"}.children...'
            '{"key":["MATCH"],"type":"explain-precision"}.disabled..'
        )
        body = {
            "output": output,
            "outputs": [
                {"id": ids["hint"], "property": "children"},
                {"id": ids["precision"], "property": "disabled"},
            ],
            "inputs": [
                {"id": ids[name], "property": "value", "value": value}
                for name, value in names.items()
            ],
            "changedPropIds": [],
        }
        return client.post("/_dash-update-component", json=body)

    graded = next(one for one in METHODS.values() if one.has_precision)
    for method in (graded, METHODS["gradcam"]):
        answer = choose(kept["id"], method.name, "Low").get_json()["response"]
        said, disabled = (part for one in answer.values() for part in one.values())
        assert said.startswith(method.text)
        assert disabled == (not method.has_precision)
    assert choose(kept["id"], "tarot", [1]).status_code == 204
    assert choose("x" * 22, "gradcam", "Low").status_code == 404
