"""The section of a case that asks for explanations; `assets/explain/explain.mjs` follows them.

What there is comes from the API's routes, so page and programs see the same.
"""

from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import MATCH, Input, Output, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from Dashboard.explain.explanations import PRECISIONS, Explanations
from Dashboard.explain.schemas import DEFAULT_METHOD
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import duration
from interpretability.method import Method
from interpretability.methods import METHODS

FAILS = (
    " Fails the model-randomisation sanity check: with random weights its map hardly changes, so "
    "it shows the picture's edges rather than the model's reasons."
)
DEFAULT_PRECISION = "Medium"


def explain_panel(item: Item) -> Component | None:
    """What may be asked for of an assessment; None where nothing of it can be explained."""
    explanations: Explanations = flask.current_app.extensions["explanations"]
    offer = explanations.offer(item.model)
    if explanations.jobs.config.explain == "off" or item.code is None or offer is None:
        return None
    choices = (
        _choice(item, "method", "Method", _methods(offer["unsupported"]), DEFAULT_METHOD),
        _choice(item, "precision", "Precision", list(PRECISIONS), DEFAULT_PRECISION),
        _choice(item, "target", "Class", _targets(offer["names"]), ""),
    )
    button: Component = dmc.Button(
        "Explain", leftSection=icon("heat"), variant="default", **{"data-do": "explain"}
    )
    return html.Section(
        [
            dmc.Title("Explanations", order=3, size="h5"),
            dmc.Group([*choices, button], align="end", gap="sm"),
            dmc.Text(
                hint(offer, DEFAULT_METHOD, DEFAULT_PRECISION),
                id={"type": "explain-hint", "key": item.key},
                size="sm",
                c="var(--ink-soft)",
            ),
            html.Div(className="explanations stack"),
        ],
        className="stack explain",
        **{
            "data-explain": item.key,
            "data-address": dash.get_relative_path("/explanations"),
            "data-file": item.file or "picture",
        },
    )


def hint(offer: dict[str, Any], method: str, precision: str) -> str:
    """What a method does, how long it takes here, and what is to be said against it."""
    entry = METHODS[method]
    seconds = duration(offer["seconds"][method][precision])
    warning = FAILS if entry.fails_randomisation else ""
    return f"{entry.text} Takes about {seconds}.{warning}"


def choose(method: object, precision: object) -> tuple[str, bool]:
    """The hint for what is chosen; Low, Medium and High where they differ."""
    store: Store = flask.current_app.extensions["store"]
    explanations: Explanations = flask.current_app.extensions["explanations"]
    item = store.get(Sessions(store).owner(), str(dash.ctx.outputs_list[0]["id"]["key"]))
    offer = explanations.offer(item.model)
    if str(method) not in METHODS or precision not in PRECISIONS or offer is None:
        raise PreventUpdate
    entry: Method = METHODS[str(method)]
    return hint(offer, entry.name, str(precision)), not entry.has_precision


def install(app: dash.Dash) -> None:
    """Give `app` the callback of the panel."""
    app.callback(
        Output({"type": "explain-hint", "key": MATCH}, "children"),
        Output({"type": "explain-precision", "key": MATCH}, "disabled"),
        Input({"type": "explain-method", "key": MATCH}, "value"),
        Input({"type": "explain-precision", "key": MATCH}, "value"),
        prevent_initial_call=True,
    )(choose)


def _choice(item: Item, name: str, label: str, data: list[Any], value: str) -> Component:
    select: Component = dmc.Select(
        id={"type": f"explain-{name}", "key": item.key},
        label=label,
        name=name,
        data=data,
        value=value,
        allowDeselect=False,
        comboboxProps={"withinPortal": True},
    )
    return select


def _methods(unsupported: dict[str, str]) -> list[dict[str, Any]]:
    def label(method: Method) -> str:
        note = " (fails the sanity check)" if method.fails_randomisation else ""
        return method.label + (" (not with this model)" if method.name in unsupported else note)

    return [
        {"value": one.name, "label": label(one), "disabled": one.name in unsupported}
        for one in METHODS.values()
    ]


def _targets(names: dict[str, str]) -> list[dict[str, str]]:
    predicted = {"value": "", "label": "The predicted one"}
    return [predicted, *({"value": code, "label": name} for code, name in names.items())]
