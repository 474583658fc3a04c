"""Dash's script in the browser, as far as it asks for pages and calls callbacks."""

import json
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PATH = "/_dash-update-component"


def content(client: FlaskClient, pathname: str, search: str = "") -> str:
    """What Dash draws for an address, as JSON text; anything but an answer fails."""
    callbacks = client.get("/_dash-dependencies").get_json()
    (drawn,) = (one for one in callbacks if "_pages_content" in one["output"])
    values = {"pathname": pathname, "search": search}
    inputs = [{**one, "value": values.get(one["property"])} for one in drawn["inputs"]]
    outputs = [one.rsplit(".", 1) for one in drawn["output"].strip(".").split("...")]
    body = {
        "output": drawn["output"],
        "outputs": [{"id": name, "property": what} for name, what in outputs],
        "inputs": inputs,
        "changedPropIds": ["_pages_location.pathname"],
    }
    response = client.post(PATH, json=body)
    assert response.status_code == 200, response.text
    drawn_content = response.get_json()["response"]["_pages_content"]
    return json.dumps(drawn_content, ensure_ascii=False)


def update(
    client: FlaskClient,
    outputs: Mapping[str, str],
    inputs: Mapping[str, tuple[str, Any]],
    state: Mapping[str, tuple[str, Any]] | None = None,
    changed: str = "",
) -> TestResponse:
    """The answer of a callback.

    outputs: property by id; inputs, state: property and value by id.
    changed: the input that triggered it, as `id.property`.
    """
    listed = [{"id": name, "property": what} for name, what in outputs.items()]
    joined = "...".join(f"{name}.{what}" for name, what in outputs.items())
    body = {
        "output": f"..{joined}.." if len(outputs) > 1 else joined,
        "outputs": listed if len(outputs) > 1 else listed[0],
        "inputs": [{"id": n, "property": p, "value": v} for n, (p, v) in inputs.items()],
        "state": [{"id": n, "property": p, "value": v} for n, (p, v) in (state or {}).items()],
        "changedPropIds": [changed],
    }
    return client.post(PATH, json=body)
