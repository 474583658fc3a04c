"""Models page: the shipped comparison, and the card of every checkpoint that can be chosen."""

import logging
from pathlib import Path

import dash
import flask
from dash import ClientsideFunction, Input, Output, clientside_callback, html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.ui.models.card_details import card_details
from Dashboard.ui.models.comparison import comparison_view
from Dashboard.ui.models.model_card import model_card
from Dashboard.ui.models.shipped_comparison import load_comparison, with_evaluations
from models.checkpoint.card import load_card
from models.checkpoint.evaluation import load_evaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.errors import CheckpointError

logger = logging.getLogger(__name__)

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
    """The comparison where one was shipped, then the cards, the default model first."""
    service = flask.current_app.extensions["service"]
    infos = service.models()
    found = load_comparison()
    if found is not None:
        found = with_evaluations(found, {info.name: info.metrics for info in infos})
    cards = [model_card(info, _details(service.root / info.name, info)) for info in infos]
    none = html.P("No model is installed on this server.", className="lead")
    head = html.Div(
        [
            html.H1("Models"),
            html.P(
                "What each model was trained on, how well it did on lesions it had never seen, "
                "and what it is not made for.",
                className="lead",
            ),
        ],
        className="page-head",
    )
    default = next((info.name for info in infos if info.default), None)
    view = [] if found is None else [comparison_view(found, [info.name for info in infos])]
    return html.Div(
        [
            head,
            *view,
            html.Div(cards or [none], className="model-list"),
            html.Div(id="models-used", hidden=True, **{"data-default": default or ""}),
        ],
        className="models-page",
    )


def _details(folder: Path, info: ModelInfo) -> list[Component]:
    try:
        provenance = load_provenance(folder)
    except CheckpointError as error:  # serving does not need it
        logger.warning("the provenance of %s is not shown: %s", folder.name, error)
        provenance = Provenance()
    return card_details(
        load_card(folder), load_evaluation(folder), provenance, info.operating_point
    )


clientside_callback(
    ClientsideFunction("models", "mount"),
    Output("models-used", "data-used-model"),
    Input("models-used", "data-default"),
)
clientside_callback(
    ClientsideFunction("models", "curves"),
    Output("graph-roc", "figure"),
    Output("graph-pr", "figure"),
    Input("curve-task", "value"),
)
clientside_callback(
    ClientsideFunction("models", "oneModel"),
    Output("graph-confusion", "figure"),
    Output("graph-reliability", "figure"),
    Input("curve-model", "value"),
)
for name in ("graph-intervals", "graph-cost"):
    clientside_callback(
        ClientsideFunction("models", "single"), Output(name, "figure"), Input(name, "id")
    )
