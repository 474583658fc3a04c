"""The page of one case, by its own address."""

from contextlib import suppress
from urllib.parse import urlencode

import dash
from dash import dcc, html
from dash.development.base_component import Component
from pydantic import ValidationError

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.forms import Listing
from Dashboard.store.neighbours import neighbours
from Dashboard.store.schema import Item
from Dashboard.ui.cases.panel import case_of, find, no_case, store


def is_there(key: str = "") -> bool:
    """Whether the visitor has such a case; a store that cannot be read says so on the page."""
    with suppress(StoreUnavailable, StoreFull):
        try:
            find(key)
        except UnknownItem:
            return False
    return True


def way(item: Item, query: dict[str, str]) -> Component:
    """The cases before and after this one in a list, and where it stands; a wrong list is none."""
    try:
        listing = Listing.model_validate({"sort": "urgent"} | query)
    except ValidationError:
        query, listing = {}, Listing.model_validate({"sort": "urgent"})
    found = neighbours(store(), item, listing.filters(), listing.sort, listing.descending)
    rest = f"?{urlencode(query)}" if query else ""
    to = dash.get_relative_path
    links = [("Previous", found.before), ("Next", found.after)]
    return html.Nav(
        [
            dcc.Link("All cases", href=to(f"/{rest}")),
            *(dcc.Link(text, href=to(f"/cases/{one}{rest}")) for text, one in links if one),
            html.Span(f"{found.place:,} of {found.count:,}" if found.place else ""),
        ],
        className="case-along along hint",
        **{"aria-label": "Cases"},
    )


dash.register_page(
    __name__,
    path_template="/cases/<key>",
    name="Case",
    title="Case · Skin lesion dashboard",
    in_navigation=False,
    is_there=is_there,
)


def layout(key: str = "", **query: str) -> Component:
    """The case, or why there is none.

    query: of the list that it was opened from; a case has the next of that list.
    """
    try:
        item = find(key)
        return case_of(item, order=1, along=way(item, query))
    except (UnknownItem, StoreUnavailable, StoreFull) as error:
        return html.Div([html.H1("No case"), no_case(error)], className="page-head")
