"""What a visitor does with the pictures of the list; for the visitor's own session alone."""

from typing import Any, NamedTuple
from uuid import uuid4

import flask
from dash import ALL, Input, Output, State, callback, ctx, html, no_update

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.schema import NAME_CHARACTERS
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.cases.panel import case_panel
from Dashboard.ui.cases.words import part_id
from Dashboard.ui.worklist.table import GRID

TROUBLE = (StoreFull, StoreUnavailable, UnknownItem)
MOST_CHANGED = 5000  # at once
VERDICTS = ("consultation", "retake", "no_appointment")
ACTIONS = ("delete", "undo", "assign", "flag", "agree", "delete-all-yes")


class Done(NamedTuple):
    """What an action did: the sentence to say, and the keys that can be brought back."""

    sentence: str
    removed: list[str] | None = None


def store_and_owner() -> tuple[Store, str]:
    """The store, and whose the request is."""
    store: Store = flask.current_app.extensions["store"]
    return store, Sessions(store).owner()


def keys_of(rows: Any) -> list[str]:
    """The assessments that are ticked."""
    listed = rows if isinstance(rows, list) else []
    found = [one.get("id") for one in listed if isinstance(one, dict)]
    return [key for key in found if isinstance(key, str)][:MOST_CHANGED]


def mark(name: str, value: str) -> html.Div:
    """What `assets/worklist/worklist.mjs` hears of, as it is drawn anew for each value."""
    return html.Div(key=value, **{f"data-{name}": value})


def act(*values: Any) -> tuple[Any, ...]:
    """Do what buttons say, and say what was done.

    Dash asks once for all that happened within a moment: nothing of it may be lost.
    """
    selected, removed, lesion, opened, shown = values[-5:]
    case = shown[0]["key"] if shown else None  # another may be opened, and on its way
    pressed = list(ctx.triggered_prop_ids.values())
    done = []
    for button in filter(pressed.__contains__, ACTIONS):
        try:
            done.append(_do(button, keys_of(selected), removed, lesion, case))
        except TROUBLE as error:
            done.append(Done(f"{error}."))
    gone = next((one.removed for one in done if one.removed), None)
    sentence = " ".join(one.sentence for one in done)
    undo = {} if gone else {"display": "none"}
    panel: Any = no_update
    if isinstance(opened, str) and "undo" not in pressed:
        panel = case_panel(opened)
    return mark("changed", uuid4().hex), False, sentence, undo, gone, 1, 0, True, panel, False


def forget(passed: Any) -> tuple[Any, ...]:
    """After a while nothing is said of what was done, and it cannot be undone."""
    return (True, "", None, 0, 0) if passed else (no_update,) * 5


def ask_first(*_: Any) -> bool:
    """Open or close the question whether everything is to be deleted."""
    return "delete-all" in ctx.triggered_prop_ids.values()


def note_changes(changes: Any) -> Any:
    """Let the list be read again when a case was changed in its own place."""
    return mark("changed", uuid4().hex) if any(changes) else no_update  # or a case was just drawn


def _do(button: str, keys: list[str], removed: Any, lesion: Any, case: Any) -> Done:
    store, owner = store_and_owner()
    if button == "delete":
        gone = store.change_many(owner, keys, {}, removed=True)
        return Done(f"{_pictures(len(gone))} deleted.", gone)
    if button == "undo":
        back = [key for key in removed or [] if isinstance(key, str)]
        found = store.change_many(owner, back, {}, removed=False)
        return Done(f"{_pictures(len(found))} back in the list.")
    if button == "delete-all-yes":
        count = store.delete_all(owner).count
        return Done(f"Everything of yours is deleted: {_pictures(count)}.")
    if button == "assign":
        name = " ".join(str(lesion or "").split())[:NAME_CHARACTERS]
        found = store.change_many(owner, keys, {"lesion": {"name": name} if name else None})
        to = f"assigned to lesion {name}" if name else "assigned to no lesion"
        return Done(f"{_pictures(len(found))} {to}.")
    if button == "flag":
        items = [store.get(owner, key) for key in keys]
        flag = not all(item.flag for item in items)
        found = store.change_many(owner, keys, {"flag": flag})
        return Done(f"{_pictures(len(found))} {'flagged' if flag else 'no longer flagged'}.")
    return _agree(store, owner, str(case))


def _agree(store: Store, owner: str, key: str) -> Done:
    """The clinician's own verdict of the case that is shown is the program's."""
    verdict = store.get(owner, key).verdict
    if verdict not in VERDICTS:
        return Done("There is no advice to agree with: give a verdict of your own instead.")
    store.change(owner, key, {"clinician_verdict": verdict})
    return Done(f"Your verdict is kept: {verdict.replace('_', ' ')}.")


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def install() -> None:
    """Tell Dash when each is to be asked; for each application anew, as Dash forgets them."""
    callback(
        Output("list-changed", "children"),
        Output("done", "hidden"),
        Output("done-text", "children"),
        Output("undo", "style"),
        Output("removed", "data"),
        Output("done-over", "max_intervals"),
        Output("done-over", "n_intervals"),
        Output(GRID, "deselectAll"),
        Output("case-panel", "children", allow_duplicate=True),
        Output("delete-all-box", "opened"),
        *(Input(one, "n_clicks") for one in ACTIONS),
        State(GRID, "selectedRows"),
        State("removed", "data"),
        State("lesion-name", "value"),
        State("open", "data"),
        State(part_id(ALL, "body"), "id"),
        prevent_initial_call=True,
    )(act)
    callback(
        Output("done", "hidden", allow_duplicate=True),
        Output("done-text", "children", allow_duplicate=True),
        Output("removed", "data", allow_duplicate=True),
        Output("done-over", "max_intervals", allow_duplicate=True),
        Output("done-over", "n_intervals", allow_duplicate=True),
        Input("done-over", "n_intervals"),
        prevent_initial_call=True,
    )(forget)
    callback(
        Output("delete-all-box", "opened", allow_duplicate=True),
        Input("delete-all", "n_clicks"),
        Input("delete-all-no", "n_clicks"),
        prevent_initial_call=True,
    )(ask_first)
    callback(
        Output("list-changed", "children", allow_duplicate=True),
        Input(part_id(ALL, "changed"), "data"),
        prevent_initial_call=True,
    )(note_changes)
