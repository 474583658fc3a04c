"""Dash's own addresses, which its script in the browser calls: what else comes there is refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash
import flask
from dash._get_app import app_context
from dash._utils import AttributeDict
from dash.exceptions import DependencyException, UnsupportedRelativePath

from Dashboard.web.errors import InputError

CALLBACKS = "/_dash-update-component"
REFUSAL = "this address is for the dashboard's own pages"
# Of an address in the browser.
TEXTS = ("pathname", "search", "hash", "href")
# In the identifier of a part that stands for many: any one value, or all of them.
ONE, MANY = ["MATCH"], ["ALL"]
MOST_CHARACTERS = 128


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
    calls = {
        callback["output"]: Call.of(callback)
        for callback in app._callback_list
        if callback["clientside_function"] is None
    }

    @server.before_request
    def only_what_the_page_sends() -> None:
        # Links and pages are asked of the app that this names; without it of the one that was made
        # last, which need not be the one that was asked where a process has two.
        app_context.set(app)
        if flask.request.path == CALLBACKS and flask.request.method == "POST":
            body = flask.request.get_json(silent=True)
            call = calls.get(_output(body))
            if call is None or not call.fits(body):
                raise InputError(REFUSAL)

    @server.errorhandler(UnsupportedRelativePath)
    def not_below(_: UnsupportedRelativePath) -> tuple[dict[str, Any], int]:
        return {"success": False, "error": REFUSAL}, 400

    @server.errorhandler(DependencyException)
    def no_such_file(_: DependencyException) -> tuple[str, int]:
        return "There is no such file.", 404


@dataclass(frozen=True)
class Part:
    """An input, a state or an output of a callback, as the page declares it.

    id: a text; or, of parts that stand for many, names with texts, of which some may be any.
    """

    id: str | dict[str, Any]
    property: str

    @classmethod
    def of(cls, declared: str, name: str) -> "Part":
        """From an identifier as Dash lists it."""
        return cls(json.loads(declared) if declared.startswith("{") else declared, name)

    def names(self, given: Any) -> bool:
        """Whether a body's part is this one, or where this is one of many, are such."""
        if isinstance(self.id, dict) and MANY in self.id.values():
            return isinstance(given, list) and all(map(self._is, given))
        return self._is(given)

    def _is(self, given: Any) -> bool:
        if not isinstance(given, dict) or given.get("property") != self.property:
            return False
        came = given.get("id")
        if isinstance(self.id, str) or not isinstance(came, dict):
            return bool(came == self.id)
        return came.keys() == self.id.keys() and all(
            (isinstance(value, str) and len(value) <= MOST_CHARACTERS)
            if self.id[name] in (ONE, MANY)
            else value == self.id[name]
            for name, value in came.items()
        )


@dataclass(frozen=True)
class Call:
    """A callback that the server answers.

    several: whether it has several outputs; one is sent without a list around it.
    """

    outputs: Sequence[Part]
    inputs: Sequence[Part]
    state: Sequence[Part]
    several: bool

    @classmethod
    def of(cls, callback: dict[str, Any]) -> "Call":
        """From Dash's list of callbacks."""
        output = callback["output"]
        inputs, state = (
            [Part.of(one["id"], one["property"]) for one in callback[name]]
            for name in ("inputs", "state")
        )
        return cls(
            outputs=[Part.of(*one.rsplit(".", 1)) for one in output.strip(".").split("...")],
            inputs=inputs,
            state=state,
            several=output.startswith(".."),
        )

    def fits(self, body: Any) -> bool:
        """Whether a body is as Dash's script makes it for this callback.

        What the values are is for the callback, but that those of addresses are texts.
        """
        inputs, outputs = body.get("inputs"), body.get("outputs", [])
        changed = body.get("changedPropIds", [])
        return (
            _are(self.inputs, inputs)
            and _are(self.state, body.get("state", []))
            and (outputs == [] or _are(self.outputs, outputs if self.several else [outputs]))
            and isinstance(changed, list)
            and all(isinstance(one, str) for one in changed)
            and all(
                isinstance(given.get("value"), str if part.property == "pathname" else str | None)
                for part, given in zip(self.inputs, inputs or (), strict=True)
                if part.property in TEXTS and isinstance(given, dict)
            )
        )


def _output(body: Any) -> str:
    output = body.get("output") if isinstance(body, dict) else None
    return output if isinstance(output, str) else ""


def _are(parts: Sequence[Part], given: Any) -> bool:
    return (
        isinstance(given, list)
        and len(given) == len(parts)
        and all(part.names(one) for part, one in zip(parts, given, strict=True))
    )
