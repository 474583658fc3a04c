"""Assess page: images in, a card with message, quality and probabilities for each."""

import dash
import flask
from dash import ClientsideFunction, Input, Output, clientside_callback, html

from Dashboard.ui.assess.intake import drop_zone, example_strip, frequencies_note, model_choice
from Dashboard.ui.assess.results import results
from Dashboard.ui.cases.prevalence import prevalence_choice

dash.register_page(
    __name__,
    path="/",
    name="Assess",
    title="Assess images · Skin lesion dashboard",
    order=0,
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
                    html.H1("Assess dermatoscopic images"),
                    html.P(
                        "Each photograph is checked for sharpness and contrast, then classified "
                        "among seven kinds of pigmented skin lesion.",
                        className="lead",
                    ),
                ],
                className="page-head",
            ),
            html.Div(
                [
                    drop_zone(config),
                    html.Div(
                        [
                            model_choice(models, config.model),
                            frequencies_note(config.prior),
                            prevalence_choice(config.prior),
                        ],
                        className="panel",
                    ),
                ],
                className="intake",
            ),
            example_strip(),
            results(config.gate),
        ],
        className="assess",
    )


# The cards are drawn outside React: with Dash's own components a page of a hundred cards took
# half a second for each further result. Coming back to this page shows them again.
clientside_callback(
    ClientsideFunction("lesions", "mount"),
    Output("cards", "data-mounted"),
    Input("cards", "id"),
)
clientside_callback(
    ClientsideFunction("models", "choose"),
    Output("model", "value"),
    Output("cards", "data-model"),
    Input("model", "value"),
)
clientside_callback(
    ClientsideFunction("lesions", "prevalence"),
    Output("prevalence", "error"),
    Input("prevalence", "value"),
)
