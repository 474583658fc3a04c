"""Compare page: a few pictures side by side, judged by a threshold of one's choice."""

import dash
import flask
from dash import ClientsideFunction, Input, Output, clientside_callback, html

from Dashboard.ui.assess.intake import drop_zone, frequencies_note
from Dashboard.ui.compare.view import compare_view

dash.register_page(
    __name__,
    path="/compare",
    name="Compare",
    title="Compare pictures · Skin lesion dashboard",
    order=0.5,
    in_navigation=True,
)


def layout(**_query: str) -> html.Div:
    """The page, for the settings and checkpoints of this server."""
    config = flask.current_app.extensions["config"]
    models = flask.current_app.extensions["service"].models()
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Compare pictures"),
                    html.P(
                        "The same lesion on other days, or several lesions of one patient: "
                        "heatmaps on one scale, probabilities and quality side by side.",
                        className="lead",
                    ),
                ],
                className="page-head",
            ),
            html.Div(
                [drop_zone(config), html.Div(frequencies_note(config.prior), className="panel")],
                className="intake",
            ),
            compare_view(models, config.prior, config.advice),
        ]
    )


clientside_callback(
    ClientsideFunction("lesions", "compare"),
    Output("compare-columns", "data-mounted"),
    Input("compare-columns", "id"),
)
