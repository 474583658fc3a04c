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
    """Save the field that was left; what it says is checked as the API checks it.

    Fields that are left within a moment of one another come together. Each is saved, or refused,
    by itself.
    """
    names = [one["id"]["name"] for one in ctx.inputs_list[0]]
    given = dict(zip(names, values, strict=True))
    left = list(ctx.triggered_prop_ids.values())
    key, changed = left[0]["key"], sorted((one["name"] for one in left), key="name".__ne__)
    item, kept, refused = None, set[str](), list[str]()
    for name in changed:
        try:
            new = name == "name" and find(key).lesion is None
            fields = said(json.dumps(fields_of(name, given, new=new)).encode())
            item = store().change(owner(), key, fields)
            kept.add(name)
        except REFUSALS as error:
            refused.append(str(error))
    why = " ".join(dict.fromkeys(refused))
    saved, failed = (f"Not saved: {why}", "") if refused else (SAVED, None)
    if item is None:
        return saved, failed, *(no_update,) * 4, [no_update] * len(values)
    shown: list[Any] = [no_update] * len(values)
    if "name" in kept:  # it may be a lesion of which more is known
        known = lesion_values(item.lesion)
        shown = [known[one] if one in LESION_FIELDS else no_update for one in names]
    moment = item.changes[-1].created.isoformat() if item.changes else ""
    news = {"key": key, "at": moment}
    return saved, failed, news, stand(item), history(item), scale_of(item), shown


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
