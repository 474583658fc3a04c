"""Places for figures that are drawn when they come into view.

Plotly's script is twice as large as all the rest of a page. `assets/elements/parts.mjs` tells the
store beside a place that it is seen; a page's callback on that store then sends the figures, and
with the first of them the browser fetches the script.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

CONFIG = {"displayModeBar": False, "responsive": True}


def figure_place(identity: str) -> list[Component]:
    """A place named `identity`; once it is seen, the store `seen(identity)` has true as `data`."""
    return [
        dcc.Store(id=seen(identity)),
        html.Div(id=identity, className="graphs columns", **{"data-in-view": seen(identity)}),
    ]


def seen(identity: str) -> str:
    """The store beside a place."""
    return f"{identity}-seen"


def graphs(figures: Sequence[Mapping[str, Any]]) -> list[Component]:
    """The figures, as Plotly takes them, side by side where there is room."""
    return [dcc.Graph(figure=figure, config=CONFIG, className="graph") for figure in figures]
