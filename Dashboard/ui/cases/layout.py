"""The page of one case, by its own address."""

from contextlib import suppress

import dash
from dash import html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.ui.cases.panel import case_of, find, no_case


def is_there(key: str = "") -> bool:
    """Whether the visitor has such a case; a store that cannot be read says so on the page."""
    with suppress(StoreUnavailable, StoreFull):
        try:
            find(key)
        except UnknownItem:
            return False
    return True


dash.register_page(
    __name__,
    path_template="/cases/<key>",
    name="Case",
    title="Case · Skin lesion dashboard",
    in_navigation=False,
    is_there=is_there,
)


def layout(key: str = "", **_query: str) -> Component:
    """The case, or why there is none."""
    try:
        return case_of(find(key), order=1)
    except (UnknownItem, StoreUnavailable, StoreFull) as error:
        return html.Div([html.H1("No case"), no_case(error)], className="page-head")
