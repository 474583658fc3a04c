"""What happens in a case: words are saved, other models asked, it is assessed again or deleted."""

import json
from collections.abc import Callable
from typing import Any

import dash
import flask
from dash import ALL, MATCH, Input, Output, State, ctx, no_update

import quality
from Dashboard.assess.service import ModelNotReady, Service
from Dashboard.store.again import assess_again
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.forms import Again, said
from Dashboard.store.items import LESION_FIELDS
from Dashboard.ui.cases import prevalence
from Dashboard.ui.cases.opinions import ask_others, opinions
from Dashboard.ui.cases.panel import Order, case_of, find, gone, no_case, owner, store
from Dashboard.ui.cases.viewer import scale_of
from Dashboard.ui.cases.words import (
    do_id,
    fields_of,
    history,
    lesion_values,
    part_id,
    stand,
    word_id,
)
from models.errors import CheckpointError

REFUSALS = (
    ValueError,  # InputError among them
    UnknownItem,
    StoreFull,
    StoreUnavailable,
    ModelNotReady,
    CheckpointError,
    quality.ImageError,
)
SAVED = "Saved."


def install(app: dash.Dash) -> None:
    """Give `app` the callbacks of cases."""
    prevalence.install(app)
    app.callback(
        Output(part_id(MATCH, "saved"), "children"),
        Output(part_id(MATCH, "saved"), "data-failed"),
        Output(part_id(MATCH, "changed"), "data"),
        Output(part_id(MATCH, "stand"), "children"),
        Output(part_id(MATCH, "history"), "children"),
        Output(part_id(MATCH, "scale"), "data-scale"),
        Output(word_id(MATCH, ALL), "value"),
        Input(word_id(MATCH, ALL), "value"),
        prevent_initial_call=True,
    )(save)
    app.callback(
        Output(part_id(MATCH, "opinions"), "children"),
        Input(part_id(MATCH, "ask"), "n_clicks"),
        prevent_initial_call=True,
    )(ask)
    app.callback(
        Output(part_id(MATCH, "body"), "children"),
        Input(do_id(MATCH, ALL), "n_clicks"),
        State(part_id(MATCH, "order"), "data"),
        prevent_initial_call=True,
    )(act)


def save(values: list[Any]) -> Any:
    """Save the field that was left; what it says is checked as the API checks it."""
    names = [one["id"]["name"] for one in ctx.inputs_list[0]]
    unchanged: list[Any] = [no_update] * len(values)
    key, name = ctx.triggered_id["key"], ctx.triggered_id["name"]
    try:
        new = name == "name" and find(key).lesion is None
        body = fields_of(name, dict(zip(names, values, strict=True)), new=new)
        fields = said(json.dumps(body).encode())
        item = store().change(owner(), key, fields)
    except REFUSALS as error:
        return f"Not saved: {error}", "", no_update, no_update, no_update, no_update, unchanged
    if name == "name":  # it may be a lesion of which more is known
        known = lesion_values(item.lesion)
        unchanged = [known[one] if one in LESION_FIELDS else no_update for one in names]
    moment = item.changes[-1].created.isoformat() if item.changes else ""
    news = {"key": key, "at": moment}
    return SAVED, None, news, stand(item), history(item), scale_of(item), unchanged


def ask(_clicks: int | None) -> Any:
    """Assess the kept picture by the other models."""

    def answer() -> Any:
        item = find(ctx.triggered_id["key"])
        data, _ = store().picture(owner(), item.key)
        return opinions(ask_others(_service(), item, data))

    return _or_sentence(answer)


def act(clicks: list[int | None], order: Any) -> Any:
    """Classify in spite of the quality, take out of the list, or put back."""
    if not any(clicks):  # a button that was just drawn
        return no_update
    do, key = ctx.triggered_id["do"], ctx.triggered_id["key"]
    heading: Order = 1 if order == 1 else 2

    def answer() -> Any:
        kept, whose = store(), owner()
        if do == "anyway":
            again = Again(gate=False, model=None)
            made, _ = assess_again(kept, _service(), whose, key, again)
            return case_of(kept.get(whose, made["id"]), order=heading)
        out = do == "delete"
        if not kept.change_many(whose, [key], {}, removed=out):
            find(key)  # says that there is none
        return gone(key, heading) if out else case_of(find(key), order=heading)

    return _or_sentence(answer)


def _or_sentence(answer: Callable[[], Any]) -> Any:
    try:
        return answer()
    except REFUSALS as error:
        return no_case(error)


def _service() -> Service:
    service: Service = flask.current_app.extensions["service"]
    return service
