"""What is shown for an address that has no page."""

import dash
from dash import dcc, html

dash.register_page(__name__, title="Not found · Skin lesion dashboard", in_navigation=False)


def layout(**_query: str) -> html.Div:
    """A sentence and a way back."""
    return html.Div(
        [
            html.H1("There is no such page"),
            html.P(["Go to ", dcc.Link("Assess", href=dash.get_relative_path("/")), "."]),
        ],
        className="page-head",
    )
