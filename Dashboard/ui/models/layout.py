"""Models page: the model in use, the others of this server, how they compare, and experiments."""

import logging
from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import ALL, Input, Output, callback, ctx, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from Dashboard.assess.service import ModelInfo, Service
from Dashboard.ui.elements.chosen import choose, chosen
from Dashboard.ui.elements.head import page_head
from Dashboard.ui.models.card_details import card_details
from Dashboard.ui.models.comparison import published_tables, scored_on, side_by_side
from Dashboard.ui.models.figures import figure_places, register
from Dashboard.ui.models.in_force import metrics_in_force
from Dashboard.ui.models.model_card import USE, model_card
from Dashboard.ui.models.shipped_comparison import Comparison, load_comparison, with_evaluations
from models.checkpoint.card import load_card
from models.checkpoint.evaluation import load_evaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.errors import CheckpointError

logger = logging.getLogger(__name__)

SECTIONS = {
    "in-use": "In use",
    "others": "Also on this server",
    "side-by-side": "Side by side",
    "figures": "Figures",
    "experiments": "Experiments",
}

HEAD = page_head(
    "Models",
    "What each model was trained on, how well it did on lesions it had never seen, and what it is "
    "not made for.",
)
# Of two that ask for `/models`, a program gets the API's answer: `Dashboard.app` tells them apart.
dash.register_page(
    __name__,
    path="/models",
    name="Models",
    title="Models · Skin lesion dashboard",
    order=2,
    in_navigation=True,
    head=HEAD,
)
register()


def layout(**_query: str) -> html.Div:
    """The head and the model in use; `rest` fills in the long remainder."""
    return html.Div(_page(_service().models()), id="models-page", className="sections")


def _page(infos: Sequence[ModelInfo], name: str | None = None) -> list[Component]:
    """What comes first; `name`: of the model that has just been chosen."""
    found = load_comparison()
    used = [info for info in infos if info.name == name] if name else in_use(infos)
    details = html.Div(id="models-details", className="stack")
    shown = [
        part for info in used for part in (_said(info), model_card(info, [details], used=True))
    ]
    none = html.P("The model that this server is set to is not installed.")
    contents = [
        dmc.Anchor(SECTIONS[key], href=f"#{key}")
        for key, there in {
            "in-use": True,
            "others": len(infos) > len(used),
            "side-by-side": found is not None,
            "figures": found is not None and bool(found.figures),
            "experiments": found is not None,
        }.items()
        if there
    ]
    return [
        html.Div(
            [
                *HEAD.children,
                html.Nav(dmc.Group(contents, gap="lg"), **{"aria-label": "On this page"}),
            ],
            className="page-head",
        ),
        _section("in-use", shown or [none]),
        html.Div(dmc.Skeleton(height=400), id="models-rest", className="sections"),
    ]


def _said(info: ModelInfo) -> html.P:
    """What is assessed by the model in use, and what is not."""
    whose = "this server" if info.default else "this browser"
    return html.P(f"New pictures of {whose} are assessed by it.", role="status")


@callback(
    Output("models-page", "children"),
    Input({"type": USE, "model": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def use(clicks: Sequence[Any]) -> list[Component]:
    """Assess new pictures by the model whose button was pressed, and draw the page by it."""
    if not any(clicks) or not isinstance(ctx.triggered_id, dict):
        raise PreventUpdate  # buttons that have just been drawn
    service = _service()
    return _page(service.models(), choose(str(ctx.triggered_id.get("model")), service))


@callback(
    Output("models-details", "children"),
    Output("models-rest", "children"),
    Input("models-rest", "id"),
)
def rest(_identity: object) -> tuple[list[Component], list[Component]]:
    """All that is long: details of the model in use, and the other sections."""
    service = _service()
    infos = service.models()
    used = in_use(infos)
    others = [info for info in infos if info not in used]
    details = [part for info in used for part in _details(service, info)]
    sections: list[Component] = []
    if others:
        cards = [model_card(info, [_fold(_details(service, info))]) for info in others]
        sections.append(_section("others", [html.P(_choice(used)), *cards]))
    found = load_comparison()
    if found is not None:
        sections += _compared(found, infos)
    return details, sections


def _choice(used: Sequence[ModelInfo]) -> str:
    """What the buttons below are for, and what one of them has just done."""
    said = "The model that this server is set to is not installed"
    if used:
        said = f"New pictures are assessed by {used[0].title}, version {used[0].version}"
    may = "any of these may be chosen instead, here, on the worklist or by its name in the API."
    return f"{said}; {may}"


def _compared(found: Comparison, infos: Sequence[ModelInfo]) -> list[Component]:
    found = with_evaluations(found, {info.name: metrics_in_force(info) for info in infos})
    usable = [info.name for info in infos]
    targets = {
        float(info.operating_point["target_sensitivity"]) for info in infos if info.operating_point
    }
    runs = [model["model"] for model in found.models if model["model"] not in usable]
    chosen = {
        float(model["operating_point"]["target_sensitivity"])
        for model in found.models
        if model["model"] in runs and model.get("operating_point")
    }
    figures = figure_places(found, usable)
    tried = [*side_by_side(found, runs, chosen), *published_tables(found.published)]
    return [
        _section("side-by-side", [html.P(scored_on(found)), *side_by_side(found, usable, targets)]),
        *([_section("figures", figures)] if figures else []),
        *([_section("experiments", [html.P(EXPERIMENTS), *tried])] if tried else []),
    ]


EXPERIMENTS = (
    "Recipes of the repository, cut to what two processor cores can train, and what others "
    "published. None of these can be chosen for a picture."
)


def in_use(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    """The model that new pictures are assessed by; none where the server's is not installed."""
    found = chosen(infos)
    return [found] if found else []


def _section(key: str, children: Sequence[Component]) -> html.Section:
    heading = html.H2(SECTIONS[key], id=key)
    return html.Section([heading, *children], className="stack", **{"aria-labelledby": key})


def _fold(children: Sequence[Component]) -> html.Details:
    return html.Details([html.Summary("Details"), *children], className="model-fold stack")


def _details(service: Service, info: ModelInfo) -> list[Component]:
    folder = service.root / info.name
    try:
        provenance = load_provenance(folder)
    except CheckpointError as error:  # serving does not need it
        logger.warning("the provenance of %s is not shown: %s", folder.name, error)
        provenance = Provenance()
    return card_details(info, load_card(folder), load_evaluation(folder), provenance)


def _service() -> Service:
    service: Service = flask.current_app.extensions["service"]
    return service
