"""What the page asks of the store as it is used; everything for the visitor's own session alone."""

from typing import Any, NamedTuple, cast
from urllib.parse import urlencode
from uuid import uuid4

import dash
import flask
from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.filters import DESCENDING, Filters
from Dashboard.store.items import TABLE_COLUMNS, table_row
from Dashboard.store.listing import lesion_names, lesion_verdicts, span, whole
from Dashboard.store.schema import NAME_CHARACTERS
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.cases.panel import case_panel
from Dashboard.ui.cases.words import part_id
from Dashboard.ui.elements.chosen import choose
from Dashboard.ui.worklist import where
from Dashboard.ui.worklist.names import plain_names
from Dashboard.ui.worklist.table import BLOCK, GRID, columns, grid, row, size, where_model
from Dashboard.web.packages import with_grid
from quality.output import csv_lines

TROUBLE = (StoreFull, StoreUnavailable, UnknownItem)
MOST_CHANGED = 5000  # at once
PLACE = "list-place"
VERDICTS = ("consultation", "retake", "no_appointment")


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


def place(search: Any, narrowed: Any, has_grid: Any) -> tuple[Any, bool]:
    """The list that an address asks for. It comes after the page, whose heading need not wait.

    narrowed: what the controls have said meanwhile.
    has_grid: whether this browser window has the grid's scripts already.
    """
    if not has_grid:
        with_grid()
    query = where.read(dict(where.parse(str(search))))
    if isinstance(narrowed, dict):
        order = {name: query[name] for name in ("sort", "descending") if name in query}
        query = where.read(dict(where.parse(_filter({"filterModel": narrowed})))) | order
    asked = where.asked(where.address(query))
    return grid(where.address(query), asked.sort, asked.descending), True


def rows(request: Any) -> tuple[Any, ...]:
    """A stretch of the list, the address that says which, and how long it is."""
    if not isinstance(request, dict):
        return (no_update,) * 6
    query = where.read(dict(where.parse(_filter(request))))
    for one in (request.get("sortModel") or [])[:1]:
        order, descending = str(one.get("colId")), one.get("sort") == "desc"
        query.pop("descending", None)
        query |= where.read({"sort": order})
        if descending != (order in DESCENDING):
            query["descending"] = str(descending).lower()
    search = where.address(query)
    asked = where.asked(search)
    start = max(0, int(request.get("startRow") or 0))
    end = min(int(request.get("endRow") or start + BLOCK), start + 5 * BLOCK)
    try:
        store, owner = store_and_owner()
        items, total = span(store, owner, asked.filters, asked.sort, asked.descending, start, end)
        lesions = lesion_verdicts(store, owner, (one.lesion_id for one in items if one.lesion_id))
    except TROUBLE as error:
        return (
            {"rowData": [], "rowCount": 0},
            _mark("search", search),
            f"{error}.",
            size(0),
            "",
            True,
        )
    names = plain_names(flask.current_app.extensions["service"].models())
    found = {"rowData": [row(one, lesions, names) for one in items], "rowCount": total}
    narrowed = bool(set(query) - {"sort", "descending"})
    table = dash.get_relative_path(f"/assessments{where.table(search)}")
    return found, _mark("search", search), _counted(total, narrowed), size(total), table, not total


def _mark(name: str, value: str) -> html.Div:
    """What `assets/worklist/worklist.mjs` hears of, as it is drawn anew for each value."""
    return html.Div(key=value, **{f"data-{name}": value})


def _filter(request: dict[str, Any]) -> str:
    model = (request.get("filterModel") or {}).get("where") or {}
    return str(model.get("filter") or "")


def _counted(total: int, narrowed: bool) -> str:
    if total == 0:
        return "No picture is like that." if narrowed else "Nothing is kept yet."
    which = " that the filters let through" if narrowed else ""
    return f"{total:,} picture{'' if total == 1 else 's'}{which}"


def narrow(*values: Any) -> tuple[Any, ...]:
    """Narrow the list to what the controls say."""
    *shown, batch = values
    query = where.query_of(shown, batch)
    count = len(set(query) - {"text", "verdict", "batch"})
    return where_model(where.address(query)), not query, f"{count}", None if count else "none"


def clear(_: Any) -> tuple[Any, ...]:
    """Show everything again."""
    empty: dict[str, Any] = {"p_malignant": where.WHOLE, "flag": False, "text": "", "lesion": ""}
    return *(empty.get(name) for name in where.NAMES), None


def sort(value: Any) -> list[dict[str, Any]]:
    """Sort the list as the menu says, for screens that have no heads of columns."""
    return columns(str(value), None)


def assess_by(model: Any) -> str:
    """Tell the drop zone by which model pictures are to be assessed, and remember it."""
    return choose(str(model), flask.current_app.extensions["service"])


def open_case(key: Any) -> tuple[Any, bool]:
    """Show a case beside the list."""
    if not isinstance(key, str):
        return no_update, True
    return case_panel(key), False


def select(selected: Any) -> tuple[Any, ...]:
    """What can be done with the rows that are ticked."""
    keys = keys_of(selected)
    if not keys:
        return True, "", "#", "#", no_update
    query = urlencode({"cases": ",".join(keys)}, safe=",")
    try:
        names = list(lesion_names(*store_and_owner()))
    except TROUBLE:
        names = []
    return (
        False,
        f"{len(keys)} selected",
        dash.get_relative_path(f"/compare?{query}"),
        dash.get_relative_path(f"/report?{query}"),
        names,
    )


def export(_: Any, selected: Any) -> Any:
    """The rows that are ticked as a table, the same as `GET /assessments?format=csv` makes."""
    store, owner = store_and_owner()
    items = whole(store, owner, Filters(ids=keys_of(selected)))
    text = b"".join(csv_lines(TABLE_COLUMNS, map(table_row, items))).decode()
    return cast(Any, dcc).send_string(text, "assessments.csv", type="text/csv")


ACTIONS = ("delete", "undo", "assign", "flag", "agree", "delete-all-yes")


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
    return _mark("changed", uuid4().hex), False, sentence, undo, gone, 1, 0, True, panel, False


def forget(passed: Any) -> tuple[Any, ...]:
    """After a while nothing is said of what was done, and it cannot be undone."""
    return (True, "", None, 0, 0) if passed else (no_update,) * 5


def ask_first(*_: Any) -> bool:
    """Open or close the question whether everything is to be deleted."""
    return "delete-all" in ctx.triggered_prop_ids.values()


def note_changes(changes: Any) -> Any:
    """Let the list be read again when a case was changed in its own place."""
    return _mark("changed", uuid4().hex) if any(changes) else no_update  # or a case was just drawn


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
        Output(PLACE, "children"),
        Output("has-grid", "data"),
        Input("asked", "data"),
        State(GRID, "filterModel"),
        State("has-grid", "data"),
    )(place)
    callback(
        Output(GRID, "getRowsResponse"),
        Output("list-address", "children"),
        Output("count", "children"),
        Output(GRID, "style"),
        Output("export-list", "href"),
        Output("export-list", "hidden"),
        Input(GRID, "getRowsRequest"),
    )(rows)
    callback(
        Output(GRID, "filterModel"),
        Output("where-clear", "disabled"),
        Output("where-count", "children"),
        Output("where-count", "display"),
        *(Input(where.identity(name), where.PROPERTY.get(name, "value")) for name in where.NAMES),
        Input("batch-name", "data"),
        prevent_initial_call=True,
    )(narrow)
    callback(
        *(Output(where.identity(name), where.PROPERTY.get(name, "value")) for name in where.NAMES),
        Output("batch-name", "data"),
        Input("where-clear", "n_clicks"),
        prevent_initial_call=True,
    )(clear)
    callback(
        Output(GRID, "columnDefs"),
        Input("where-sort", "value"),
        prevent_initial_call=True,
    )(sort)
    callback(
        Output("zone", "data-model"),
        Input("model", "value"),
        prevent_initial_call=True,
    )(assess_by)
    callback(
        Output("case-panel", "children"),
        Output("decisions", "hidden"),
        Input("open", "data"),
        prevent_initial_call=True,
    )(open_case)
    callback(
        Output("selection", "hidden"),
        Output("selected-count", "children"),
        Output("to-compare", "href"),
        Output("to-report", "href"),
        Output("lesion-name", "data"),
        Input(GRID, "selectedRows"),
        prevent_initial_call=True,
    )(select)
    callback(
        Output("export-file", "data"),
        Input("export", "n_clicks"),
        State(GRID, "selectedRows"),
        prevent_initial_call=True,
    )(export)
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
