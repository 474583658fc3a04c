"""What the page asks of the store as it is used; everything for the visitor's own session alone."""

from typing import Any, cast
from urllib.parse import urlencode

import dash
import flask
from dash import Input, Output, State, callback, dcc, no_update

from Dashboard.store.filters import DESCENDING, Filters
from Dashboard.store.items import TABLE_COLUMNS, table_row
from Dashboard.store.listing import lesion_names, lesion_verdicts, span, whole
from Dashboard.ui.cases.panel import case_panel
from Dashboard.ui.elements.chosen import choose
from Dashboard.ui.worklist import actions, where
from Dashboard.ui.worklist.actions import TROUBLE, keys_of, mark, store_and_owner
from Dashboard.ui.worklist.names import plain_names
from Dashboard.ui.worklist.table import BLOCK, GRID, columns, grid, row, size, where_model
from Dashboard.web.packages import with_grid
from quality.output import csv_lines

PLACE = "list-place"


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
            mark("search", search),
            f"{error}.",
            size(0),
            "",
            True,
        )
    names = plain_names(flask.current_app.extensions["service"].models())
    found = {"rowData": [row(one, lesions, names) for one in items], "rowCount": total}
    narrowed = bool(set(query) - {"sort", "descending"})
    table = dash.get_relative_path(f"/assessments{where.table(search)}")
    return found, mark("search", search), _counted(total, narrowed), size(total), table, not total


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
    actions.install()
