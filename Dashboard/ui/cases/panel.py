"""A case: all that is known and said of one assessment, on its page and beside the list.

A room above adds what it knows by a line in `SECTIONS`. A callback that wants to hear of a change
listens to `{"type": "case-saved", "key": ALL}`, `data`, which then holds the assessment's key.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

import dash
import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import UNKNOWN, Store
from Dashboard.ui.cases import answer
from Dashboard.ui.cases.viewer import viewer
from Dashboard.ui.elements.icons import icon

# Below what every case has, each a component or None where it has nothing to say.
SECTIONS: Sequence[Callable[[Item], Component | None]] = ()
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
Order = Literal[1, 2, 3, 4, 5, 6]


def case_panel(key: str) -> Component:
    """The case for a place beside something else; an unknown key gives a sentence."""
    try:
        return case_of(find(key), order=2)
    except (UnknownItem, StoreUnavailable, StoreFull) as error:
        return no_case(error)


def find(key: str) -> Item:
    """The assessment of the visitor with that key.

    Raises:
        UnknownItem, StoreUnavailable, StoreFull.
    """
    if not KEY.fullmatch(key):
        raise UnknownItem(UNKNOWN)
    store: Store = flask.current_app.extensions["store"]
    return store.get(Sessions(store).owner(), key)


def case_of(item: Item, *, order: Order) -> html.Div:
    """All of a case; its name is a heading of that order."""
    sub: Order = 3 if order == 2 else 2
    return html.Div(
        [
            _head(item, order),
            answer.verdict(item),
            html.Div(
                [
                    html.Div(viewer(item), className="case-picture"),
                    html.Div(
                        [
                            *answer.finding(item),
                            section("Quality of the picture", answer.quality(item), sub),
                        ],
                        className="case-facts",
                    ),
                ],
                className="case-top",
            ),
            *(made for build in SECTIONS if (made := build(item)) is not None),
            dmc.Text(answer.provenance(item), size="sm", c="dimmed"),
        ],
        className="case",
        key=item.key,
        **{"data-case": item.key},
    )


def no_case(error: Exception) -> html.Div:
    """A sentence in the place of a case."""
    sentence = str(error)
    return html.Div(
        [
            dmc.Alert(f"{sentence[:1].upper()}{sentence[1:]}.", color="gray", icon=icon("info")),
            dcc.Link("Go to the list", href=dash.get_relative_path("/")),
        ],
        className="case",
    )


def section(title: str, content: Component, order: Order) -> html.Section:
    """A titled part of a case."""
    return html.Section([dmc.Title(title, order=order, size="h5"), content], className="case-part")


def _head(item: Item, order: Order) -> html.Div:
    name = item.file or "Picture without a name"
    return html.Div([dmc.Title(name, order=order, className="case-name")], className="case-head")
