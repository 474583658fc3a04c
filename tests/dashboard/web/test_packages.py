"""Which scripts of packages a page names, and that the grid's come with the first list."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.web.frontend import CALLBACKS

GZIP = {"Accept-Encoding": "gzip"}


def asked(
    client: FlaskClient, search: str = "", narrowed: Any = None, has_grid: bool = False
) -> dict[str, Any]:
    """The answer to what the worklist sends for its list."""
    callbacks = client.get("/_dash-dependencies").get_json()
    (callback,) = (one for one in callbacks if "has-grid.data" in one["output"])
    values = iter([search, narrowed, has_grid])
    inputs, state = (
        [{**one, "value": next(values)} for one in callback[kind]] for kind in ("inputs", "state")
    )
    sent = {"output": callback["output"], "inputs": inputs, "state": state}
    outputs = [
        dict(zip(("id", "property"), one.rsplit(".", 1), strict=True))
        for one in callback["output"].strip(".").split("...")
    ]
    body = sent | {"outputs": outputs, "changedPropIds": []}
    found: dict[str, Any] = client.post(CALLBACKS, json=body).get_json()
    return found


@pytest.mark.parametrize("path", ["/", "/models"])
def test_a_page_names_what_all_pages_use(client: FlaskClient, path: str) -> None:
    text = client.get(path, headers={"Accept": "text/html"}).text
    scripts = re.findall(r'<script src="/_dash-component-suites/([^"]+)"', text)
    assert not [name for name in scripts if re.search("grid|dash_table", name)]
    for needed in (
        "deps/polyfill@",
        "deps/react@",
        "deps/react-dom@",
        "dash_mantine_components/",
        "dash_renderer",
    ):
        assert len([name for name in scripts if needed in name]) == 1, needed


def test_the_first_list_brings_the_scripts_of_the_grid(client: FlaskClient) -> None:
    answer = asked(client)
    assert answer["response"]["list-place"]["children"]["namespace"] == "dash_ag_grid"
    assert answer["response"]["has-grid"] == {"data": True}
    assert [one["type"] for one in answer["dist"]] == ["_js_dist", "_js_dist"]
    for one in answer["dist"]:
        with client.get(one["url"], headers=GZIP) as script:
            assert script.status_code == 200
            assert script.mimetype in ("text/javascript", "application/javascript")
            assert script.content_encoding == "gzip"


def test_a_later_list_brings_none(client: FlaskClient) -> None:
    answer = asked(client, has_grid=True)
    assert "dist" not in answer
    assert answer["response"]["list-place"]["children"]["type"] == "AgGrid"


def test_a_list_is_as_its_address_and_the_controls_say(client: FlaskClient) -> None:
    def shown(**said: Any) -> tuple[str, list[str]]:
        props = asked(client, has_grid=True, **said)["response"]["list-place"]["children"]["props"]
        sorted_by = [one["field"] for one in props["columnDefs"] if one.get("sort")]
        return props["filterModel"].get("where", {}).get("filter", ""), sorted_by

    assert shown(search="?text=a&sort=newest") == ("?text=a&sort=newest", ["newest"])
    # What was typed while the grid was on its way.
    typed = {"where": {"filter": "?text=b"}}
    assert shown(search="?text=a&sort=newest", narrowed=typed) == (
        "?text=b&sort=newest",
        ["newest"],
    )
    assert shown(search="?text=a", narrowed={}) == ("", [])
    assert shown(search="?nonsense=1") == ("", [])
