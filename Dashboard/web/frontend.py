"""Dash's own addresses, which its script in the browser calls: what else comes there is refused."""

from typing import Any

import dash
import flask
from dash._get_app import app_context
from dash._utils import AttributeDict
from dash.exceptions import DependencyException, UnsupportedRelativePath

from Dashboard.web.errors import InputError

CALLBACKS = "/_dash-update-component"
REFUSAL = "this address is for the dashboard's own pages"
Named = list[tuple[Any, ...]]
# Of an address in the browser.
TEXTS = ("pathname", "search", "hash", "href")


class RequestConfig(AttributeDict):
    """Dash's settings, of which the beginning of all links is the request's own."""

    @property
    def requests_pathname_prefix(self) -> str:
        """`/`, after what a proxy put before it."""
        return f"{flask.request.script_root}/" if flask.has_request_context() else "/"


def guard(app: dash.Dash) -> None:
    """Answer requests that the page would never send with 400 or 404, where Dash would fail.

    To be called once all callbacks are known.
    """
    server: flask.Flask = app.server
    calls: dict[str, tuple[Any, Any]] = {
        callback["output"]: (_named(callback["inputs"]), _named(callback["state"]))
        for callback in app._callback_list
        if callback["clientside_function"] is None
    }

    @server.before_request
    def only_what_the_page_sends() -> None:
        # Dash signs a job with the secret of the app that this names, by default the one that was
        # made last, and cancels by that of the app that was asked: with two apps in a process,
        # nothing would be cancelled.
        app_context.set(app)
        if flask.request.path == CALLBACKS and flask.request.method == "POST":
            body = flask.request.get_json(silent=True)
            if not _is_call(body, calls):
                raise InputError(REFUSAL)

    @server.errorhandler(UnsupportedRelativePath)
    def not_below(_: UnsupportedRelativePath) -> tuple[dict[str, Any], int]:
        return {"success": False, "error": REFUSAL}, 400

    @server.errorhandler(DependencyException)
    def no_such_file(_: DependencyException) -> tuple[str, int]:
        return "There is no such file.", 404


def _is_call(body: Any, calls: dict[str, tuple[Any, Any]]) -> bool:
    """Whether a body is as Dash's script makes it: of a callback that there is, and of its parts.

    What the values are is for the callback, but that those of addresses are texts.
    """
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    output = body["output"]
    if output not in calls:
        return False
    given: tuple[Any, Any] = body.get("inputs"), body.get("state", [])
    outputs = body.get("outputs", [])
    parts = [tuple(part.rsplit(".", 1)) for part in output.strip(".").split("...")]
    changed = body.get("changedPropIds", [])
    return (
        tuple(_named(one) for one in given) == calls[output]
        and _named(outputs if isinstance(outputs, list) else [outputs]) in (parts, [])
        and isinstance(changed, list)
        and all(isinstance(one, str) for one in changed)
        and all(
            isinstance(one.get("value"), str | None) for one in given[0] if one["property"] in TEXTS
        )
    )


def _named(parts: Any) -> Named | None:
    """Identifiers and properties of a callback's parts; None where they are none."""
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts):
        return None
    return [(one.get("id"), one.get("property")) for one in parts]
