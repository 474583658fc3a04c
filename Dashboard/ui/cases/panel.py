"""A case: all that is known and said of one assessment, on its page and beside the list.

A room above adds what it knows by a line in `SECTIONS`. A callback that wants to hear of a change
listens to `{"type": "case-changed", "key": ALL}`, `data`: it changes with every change.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal
from urllib.parse import quote

import dash
import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.listing import lesion_names
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import UNKNOWN, Store
from Dashboard.ui.cases import answer
from Dashboard.ui.cases.viewer import viewer
from Dashboard.ui.cases.words import do_id, history, lesion, part_id, words
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.explain.panel import explain_panel
from Dashboard.ui.lesions.section import lesion_section
from Dashboard.ui.similar.section import similar_section

# Below what every case has, each a component or None where it has nothing to say.
SECTIONS: Sequence[Callable[[Item], Component | None]] = (
    explain_panel,
    lesion_section,
    similar_section,
)
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
    return store().get(owner(), key)


def store() -> Store:
    """This server's."""
    found: Store = flask.current_app.extensions["store"]
    return found


def owner() -> str:
    """Whose the request is.

    Raises:
        StoreUnavailable, StoreFull.
    """
    return Sessions(store()).owner()


def case_of(item: Item, *, order: Order, along: Component | None = None) -> html.Div:
    """All of a case; its name is a heading of that order.

    along: the way to the cases before and after it.
    """
    sub: Order = 3 if order == 2 else 2
    return html.Div(
        [
            dcc.Store(id=part_id(item.key, "order"), data=order),
            _head(item, order, along),
            answer.verdict(item),
            *_anyway(item),
            html.Div(
                [
                    html.Div(
                        [viewer(item), section("Your judgement", words(item), sub)],
                        className="stack",
                    ),
                    html.Div(
                        [
                            *answer.finding(item, own_prevalence=True),
                            *([_asking(item)] if item.answer["success"] else []),
                            section("Quality of the picture", answer.quality(item), sub),
                        ],
                        className="stack",
                    ),
                ],
                className="case-columns stack",
            ),
            html.Div(
                [
                    section("Lesion and scale", lesion(item, lesion_names(store(), owner())), sub),
                    section(
                        "History",
                        html.Div(history(item), id=part_id(item.key, "history")),
                        sub,
                    ),
                ],
                className="case-columns stack",
            ),
            *(made for build in SECTIONS if (made := build(item)) is not None),
            dmc.Text(answer.provenance(item), size="sm", c="dimmed"),
        ],
        className="case stack",
        id=part_id(item.key, "body"),
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
        className="case stack",
    )


def gone(key: str, order: Order) -> list[Component]:
    """In the place of a case that was taken out of the list."""
    return [
        dcc.Store(id=part_id(key, "order"), data=order),
        dcc.Store(id=part_id(key, "changed"), data={"key": key, "at": "deleted"}),
        dmc.Alert(
            "Taken out of the list. Picture and answer are deleted for good in half a minute.",
            color="gray",
            icon=icon("info"),
        ),
        dmc.Group(
            [
                dmc.Button("Undo", id=do_id(key, "undo"), variant="default"),
                dcc.Link("Go to the list", href=dash.get_relative_path("/")),
            ]
        ),
    ]


def section(title: str, content: Component, order: Order) -> html.Section:
    """A titled part of a case."""
    return html.Section([dmc.Title(title, order=order, size="h5"), content], className="stack")


def _head(item: Item, order: Order, along: Component | None) -> html.Div:
    cases = quote(item.key)
    to = dash.get_relative_path
    links = [("Compare", f"/compare?cases={cases}"), ("Report", f"/report?cases={cases}")]
    if order == 2:
        links.insert(0, ("Open alone", f"/cases/{cases}"))
    name = dmc.Title(
        item.file or "Picture without a name",
        order=order,
        size="h2" if order == 1 else "h4",
    )
    return html.Div(
        [
            along,
            html.Div(
                [
                    name,
                    dmc.Group(
                        [
                            *(dcc.Link(text, href=to(path)) for text, path in links),
                            dmc.Button(
                                "Delete",
                                id=do_id(item.key, "delete"),
                                variant="subtle",
                                color="red",
                                size="compact-sm",
                            ),
                        ],
                        gap="md",
                    ),
                ],
                className="apart",
            ),
        ]
    )


def _anyway(item: Item) -> list[Component]:
    """What can be done with an image that was not classified."""
    if item.answer["success"]:
        return []
    return [
        dmc.Group(
            [
                dmc.Button("Classify anyway", id=do_id(item.key, "anyway"), variant="default"),
                dmc.Text(
                    "The result will be marked: a poor image misleads the classifier, and cannot "
                    "rule anything out.",
                    size="sm",
                    c="dimmed",
                ),
            ]
        )
    ]


def _asking(item: Item) -> Component:
    """The other models, on request."""
    button = dmc.Button(
        "Ask the other models", id=part_id(item.key, "ask"), variant="default", size="xs"
    )
    found = html.Div(id=part_id(item.key, "opinions"), role="status")
    return html.Div(
        dcc.Loading([button, found], delay_show=200, color="var(--accent)"), className="stack"
    )
