"""Report page: `/report?cases=a,b`, a case on each printed page."""

import dash
from dash import html

from Dashboard.ui.report.view import report

dash.register_page(
    __name__,
    path="/report",
    name="Report",
    title="Report · Skin lesion dashboard",
    in_navigation=False,
)


def layout(cases: str = "", **_query: str) -> html.Div:
    """The page, for the cases that its address names."""
    return report(str(cases))
