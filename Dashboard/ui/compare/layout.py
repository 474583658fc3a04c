"""Compare page: kept pictures side by side, judged by a threshold of one's choice."""

from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import Input, Output, State, callback, ctx, dcc, html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.items import case
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.compare.rows import Case
from Dashboard.ui.compare.threshold import starting_point
from Dashboard.ui.compare.view import (
    KEYS,
    MESSAGE,
    MOST,
    PATH,
    RESET,
    RULE,
    SLIDER,
    VERDICT,
    WORDS,
    comparison,
    threshold_words,
    verdict_rows,
)
from Dashboard.ui.elements.head import page_head
from Dashboard.web.errors import InputError

HEAD = page_head(
    "Compare pictures",
    "The same lesion on other days, or several lesions of one patient, side by side.",
)
dash.register_page(
    __name__,
    path=PATH,
    name="Compare",
    title="Compare pictures · Skin lesion dashboard",
    order=1,
    in_navigation=True,
    head=HEAD,
)


def layout(cases: str = "", **_query: str) -> html.Div:
    """The page for the assessments that the address names, in that order."""
    keys = list(dict.fromkeys(key.strip() for key in str(cases).split(",") if key.strip()))
    try:
        found = [one for one in kept(keys[:MOST]) if one is not None]
    except (StoreUnavailable, StoreFull) as error:
        return html.Div([HEAD, dmc.Alert(str(error), color="red", variant="light")])
    parts: list[Component] = [HEAD, *notes(keys, len(found))]
    if found:
        parts += comparison(found, infos_of(found))
    return html.Div(dmc.Stack(parts, gap="md"), className="wide-page")


def kept(keys: Sequence[str]) -> list[Case | None]:
    """The cases of these keys that are the caller's own; None in the place of any other."""
    store: Store = flask.current_app.extensions["store"]
    found: list[Case | None] = []
    owner = Sessions(store).owner()
    for key in keys:
        try:
            found.append(case(store.get(owner, key)))
        except UnknownItem:
            found.append(None)
    return found


def infos_of(cases: Sequence[Case | None]) -> list[ModelInfo]:
    """The models whose threshold matters, each once, in the order of the pictures."""
    names = dict.fromkeys(one["model"] for one in cases if one and one["answer"]["success"])
    infos = {info.name: info for info in flask.current_app.extensions["service"].models()}
    return [infos[name] for name in names if name in infos]


def notes(keys: Sequence[str], found: int) -> list[Component]:
    """Sentences on what is not shown, and on where pictures to compare come from."""
    sentences = []
    asked = min(len(keys), MOST)
    if len(keys) > MOST:
        sentences.append(f"{len(keys)} pictures are named; the first {MOST} are shown.")
    if found < asked:
        missing = asked - found
        verb = "is" if missing == 1 else "are"
        sentences.append(
            f"{missing} of the {asked} pictures named {verb} not among those that are kept for you."
        )
    parts: list[Component] = [
        dmc.Alert(sentence, color="yellow", variant="light") for sentence in sentences
    ]
    if found < 2:
        worklist = dcc.Link("worklist", href=dash.get_relative_path("/"))
        choose = ["Select two to eight pictures in the ", worklist, " and choose Compare there."]
        parts.append(html.P(choose))
    return parts


@callback(
    Output(VERDICT, "children"),
    Output(MESSAGE, "children"),
    Output(RULE, "children"),
    Output(WORDS, "children"),
    Output(SLIDER, "value"),
    Input(SLIDER, "value"),
    Input(RESET, "n_clicks"),
    State(KEYS, "data"),
    prevent_initial_call=True,
)
def judge(value: Any, _clicks: Any, keys: Any) -> tuple[Any, ...]:
    """The verdicts by the slider's threshold, or again as they were given."""
    reset = RESET in ctx.triggered_prop_ids.values()
    listed = isinstance(keys, list) and len(keys) <= MOST
    if not listed or not all(isinstance(key, str) for key in keys):
        raise InputError("the pictures to judge must be a list of at most eight keys")
    if not reset and not (isinstance(value, int | float) and 0 <= value <= 100):
        raise InputError(f"the threshold must be a number from 0 to 100, got {str(value)[:20]!r}")
    cases = kept(keys)
    infos = infos_of(cases)
    tried = None if reset else value / 100
    stands = round(100 * starting_point(infos), 1) if reset else dash.no_update
    return (*verdict_rows(cases, tried), threshold_words(infos, tried), stands)
