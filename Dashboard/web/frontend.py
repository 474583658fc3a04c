"""Dash's own addresses, which its script in the browser calls: what else comes there is refused."""

from typing import Any

import dash
import flask
from dash._get_app import app_context
from dash._utils import AttributeDict
from dash.exceptions import DependencyException

from Dashboard.web.errors import InputError

CALLBACKS = "/_dash-update-component"


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
    inputs = {
        callback["output"]: len(callback["inputs"])
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
            if not _is_call(body, inputs):
                raise InputError("this address is for the dashboard's own pages")

    @server.errorhandler(DependencyException)
    def no_such_file(_: DependencyException) -> tuple[str, int]:
        return "There is no such file.", 404


def _is_call(body: Any, inputs: dict[str, int]) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        return False
    given, state = body.get("inputs"), body.get("state", [])
    return (
        isinstance(given, list)
        and isinstance(state, list)
        and len(given) == inputs.get(body["output"])
        and all(isinstance(one, list) or _is_value(one) for one in [*given, *state])
        and isinstance(body.get("outputs", []), list | dict)
        and isinstance(body.get("changedPropIds", []), list)
    )


def _is_value(one: Any) -> bool:
    return isinstance(one, dict) and "id" in one and "property" in one
