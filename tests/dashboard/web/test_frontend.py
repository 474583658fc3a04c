"""Dash's own addresses, with what its script sends and with what it never would."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.web.frontend import CALLBACKS, Call
from tests.dashboard.sending import refused


@pytest.fixture
def navigation(client: FlaskClient) -> dict[str, Any]:
    """What the page sends when the user goes to `/`."""
    callbacks = client.get("/_dash-dependencies").get_json()
    (callback,) = (c for c in callbacks if "_pages_content" in c["output"])
    return {
        "output": callback["output"],
        "outputs": [
            {"id": "_pages_content", "property": "children"},
            {"id": "_pages_store", "property": "data"},
        ],
        "inputs": [
            {**one, "value": "/" if one["property"] == "pathname" else ""}
            for one in callback["inputs"]
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }


def test_the_page_gets_its_content(client: FlaskClient, navigation: dict[str, Any]) -> None:
    response = client.post(CALLBACKS, json=navigation)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.get_json()["response"]["_pages_content"]["children"]


@pytest.mark.parametrize(
    "change",
    [
        {"output": "nothing.children"},
        {"output": 5},
        {"output": "_pages_dummy.children"},  # runs in the browser
        {"inputs": []},
        {"inputs": None},
        {"inputs": [1, 2]},
        {"inputs": [{}, {}]},
        {"state": "x"},
        {"outputs": 3},
        {"changedPropIds": 3},
    ],
)
def test_what_the_page_never_sends(
    client: FlaskClient, navigation: dict[str, Any], change: dict[str, Any]
) -> None:
    refused(client.post(CALLBACKS, json=navigation | change), 400)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"a":' * 5000])
def test_what_is_no_call_at_all(client: FlaskClient, body: bytes) -> None:
    refused(client.post(CALLBACKS, data=body, content_type="application/json"), 400)


@pytest.mark.parametrize("depth", [100, 500, 900, 950, 2000])
@pytest.mark.parametrize("where", ["inputs", "value", "state", "changedPropIds", "more"])
def test_what_is_nested_deeply(
    client: FlaskClient, navigation: dict[str, Any], where: str, depth: int
) -> None:
    if where == "value":
        for one in navigation["inputs"]:
            one["value"] = "DEEP"
    else:
        navigation[where] = "DEEP"
    body = json.dumps(navigation).replace('"DEEP"', "[" * depth + "]" * depth)
    response = client.post(CALLBACKS, data=body, content_type="application/json")
    assert response.status_code in (200, 400)


@pytest.mark.parametrize(
    "value", [5, [], {}, True, None, "", "x", "//", "/%ff", "/\x00", "?", "/a" * 999]
)
@pytest.mark.parametrize("place", [0, 1])
def test_addresses_that_are_none(
    client: FlaskClient, navigation: dict[str, Any], place: int, value: Any
) -> None:
    navigation["inputs"][place]["value"] = value
    assert client.post(CALLBACKS, json=navigation).status_code in (200, 400)


@pytest.mark.parametrize("path", ["nope/x.js", "dash/dcc/nope.js", "dash/%2e%2e/x.js"])
def test_files_that_are_not_there(client: FlaskClient, path: str) -> None:
    response = client.get(f"/_dash-component-suites/{path}")
    assert response.status_code == 404
    assert "regist" not in response.text  # no list of what there is


@pytest.mark.parametrize("path", ["../config.py", "%2e%2e/config.py", "..%2fconfig.py"])
def test_nothing_outside_the_assets(client: FlaskClient, path: str) -> None:
    assert client.get(f"/assets/{path}").status_code == 404


MATCHED: dict[str, Any] = {
    "output": '..{"key":["MATCH"],"type":"note"}.error...saved.children..',
    "inputs": [
        {"id": '{"key":["MATCH"],"type":"note"}', "property": "value"},
        {"id": '{"key":["ALL"],"type":"flag"}', "property": "checked"},
    ],
    "state": [{"id": "page", "property": "pathname"}],
}


def note(key: Any = "k", kind: str = "note", **more: Any) -> dict[str, Any]:
    return {"id": {"key": key, "type": kind, **more}, "property": "value", "value": "x"}


def flags(*keys: Any) -> list[dict[str, Any]]:
    return [{"id": {"key": key, "type": "flag"}, "property": "checked"} for key in keys]


@pytest.mark.parametrize(
    ("inputs", "fits"),
    [
        ([note(), flags()], True),
        ([note("x" * 128), flags("a", "b")], True),
        ([note("x" * 129), flags()], False),
        ([note(5), flags()], False),
        ([note(["MATCH"]), flags()], False),
        ([note({"deep": {}}), flags()], False),
        ([note(kind="flag"), flags()], False),
        ([note(more="x"), flags()], False),
        ([note(), flags("a", 5)], False),
        ([note(), flags("a")[0]], False),
        ([[note()], flags()], False),
        ([note() | {"property": "id"}, flags()], False),
        ([note() | {"id": MATCHED["inputs"][0]["id"]}, flags()], False),
        ([note()], False),
        (None, False),
    ],
)
def test_parts_that_stand_for_many(inputs: Any, fits: bool) -> None:
    outputs = [
        {"id": {"key": "k", "type": "note"}, "property": "error"},
        {"id": "saved", "property": "children"},
    ]
    state = [{"id": "page", "property": "pathname", "value": "/"}]
    call = Call.of(MATCHED)
    assert call.fits({"inputs": inputs, "outputs": outputs, "state": state}) is fits
    assert not call.fits({"inputs": inputs, "outputs": outputs[:1], "state": state})
