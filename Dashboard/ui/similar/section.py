"""The section of a case with similar proven cases, which fills once the case is there.

Finding them may need pictures to be classified that no vector is kept of; the case does not wait.
"""

from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import MATCH, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from Dashboard.proven.similar import Similar, SimilarCases
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.ui.similar.view import similar_cases
from models.errors import CheckpointError
from models.inference.classifier import ModelNotReady

FOUND, AGAIN = "similar-found", "similar-again"
# How long after an answer more is asked for, where older cases are still to be looked at.
AGAIN_MS = 1000


def similar_section(item: Item) -> Component | None:
    """The section, still empty; None for a picture that was not judged."""
    if item.code is None or item.verdict == "none":
        return None
    return html.Section(
        [
            dmc.Title("Similar proven cases", order=3, size="h5"),
            html.Div(
                dmc.Text("Looking for them.", className="hint"),
                id={"type": FOUND, "key": item.key},
                className="stack",
                **{"aria-live": "polite"},
            ),
            dcc.Interval(id={"type": AGAIN, "key": item.key}, interval=AGAIN_MS, disabled=True),
        ],
        className="stack",
    )


def install(app: dash.Dash) -> None:
    """Give `app` the callback that fills the section."""
    app.callback(
        Output({"type": FOUND, "key": MATCH}, "children"),
        Output({"type": AGAIN, "key": MATCH}, "disabled"),
        Input({"type": FOUND, "key": MATCH}, "id"),
        Input({"type": AGAIN, "key": MATCH}, "n_intervals"),
    )(fill)


def fill(part: Any, _times: int | None) -> tuple[Any, bool]:
    """What is found so far, and whether that is all."""
    key = part.get("key") if isinstance(part, dict) else None
    if not isinstance(key, str):
        return no_update, True
    cases: SimilarCases = flask.current_app.extensions["similar"]
    try:
        found = cases.find(Sessions(cases.store).owner(), key)
    except (UnknownItem, StoreUnavailable, StoreFull, ModelNotReady, CheckpointError) as error:
        sentence = str(error)
        return dmc.Text(f"{sentence[:1].upper()}{sentence[1:]}.", size="sm"), True
    return [*similar_cases(found), *_pending(found)], not found.pending


def _pending(found: Similar) -> list[Component]:
    if not found.pending:
        return []
    cases = "1 older case is" if found.pending == 1 else f"{found.pending:,} older cases are"
    return [
        dmc.Group([dmc.Loader(size="xs"), dmc.Text(f"{cases} still to be compared.", size="sm")])
    ]
