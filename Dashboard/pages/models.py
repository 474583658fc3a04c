"""Models page: the card of every checkpoint that can be chosen."""

import dash
import flask
from dash import html

from Dashboard.components.model_card import model_card

# `/models` is the API's.
dash.register_page(
    __name__,
    path="/model-cards",
    name="Models",
    title="Models · Skin lesion dashboard",
    order=1,
    in_navigation=True,
)


def layout(**_query: str) -> html.Div:
    """The cards, the default model first."""
    models = flask.current_app.extensions["service"].models()
    cards = [model_card(info) for info in models]
    none = html.P("No model is installed on this server.", className="lead")
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Models"),
                    html.P(
                        "What each model was trained on, how well it did on lesions it had never "
                        "seen, and what it is not made for.",
                        className="lead",
                    ),
                ],
                className="page-head",
            ),
            html.Div(cards or [none], className="model-list"),
        ]
    )
