"""A page's heading."""

from dash import html


def page_head(title: str, lead: str, *, class_name: str = "page-head") -> html.Div:
    """The heading and what the page is for.

    Registered as `head` with its page, so that it can be shown before Dash draws the page.
    """
    return html.Div([html.H1(title), html.P(lead, className="lead")], className=class_name)
