"""Own record: how often program and clinician were right, where histology is known."""

import dash
import dash_mantine_components as dmc
import flask
from dash import html

from Dashboard.proven.audit import audit, proven_lesions
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.audit.view import own_record
from Dashboard.ui.elements.icons import icon

dash.register_page(
    __name__,
    path="/audit",
    name="Own record",
    title="Own record · Skin lesion dashboard",
    order=4,
    in_navigation=True,
)


def layout(**_query: str) -> html.Div:
    """The page, for the lesions of the visitor."""
    head = html.Div(
        [
            html.H1("Own record"),
            html.P(
                "What was advised, held against what the pathologist found: your lesions with a "
                "histology, each once, with the most urgent verdict of its pictures.",
                className="lead",
            ),
        ],
        className="page-head",
    )
    store: Store = flask.current_app.extensions["store"]
    try:
        found = audit(proven_lesions(store, Sessions(store).owner()))
    except (StoreUnavailable, StoreFull) as error:
        sentence = str(error)
        shown = f"{sentence[:1].upper()}{sentence[1:]}."
        return html.Div([head, dmc.Alert(shown, color="gray", icon=icon("info"))])
    return html.Div([head, own_record(found)])
