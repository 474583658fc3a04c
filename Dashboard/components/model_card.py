"""What a checkpoint says of itself, as a card: measured how well, on what, under which licence."""

from dash import html
from dash.development.base_component import Component

from Dashboard.components.metrics import performance
from Dashboard.components.text import percent
from Dashboard.service import ModelInfo


def model_card(info: ModelInfo) -> html.Article:
    """The card of one checkpoint."""
    name_id = f"model-{info.name}"
    tags = [html.Span("Default", className="tag")] if info.default else []
    parts: list[Component] = [
        html.Header(
            [
                html.H2(info.name, id=name_id, className="model-name"),
                *tags,
                html.Span(f"version {info.version}", className="hint"),
            ],
            className="model-head",
        )
    ]
    if info.description:
        parts.append(html.P(info.description, className="model-text"))
    parts.append(_facts(info))
    parts += performance(info.metrics)
    if info.limits:
        parts.append(
            html.Div(
                [
                    html.H3("Limits", className="model-title"),
                    html.Ul([html.Li(limit) for limit in info.limits], className="model-limits"),
                ]
            )
        )
    return html.Article(parts, className="model-card", **{"aria-labelledby": name_id})


def _facts(info: ModelInfo) -> html.Dl:
    point = info.operating_point
    advice = (
        "consultation where a malignant class is the most probable one"
        if point is None
        else f"consultation from a malignant probability of {percent(float(point['threshold']))}, "
        "or where a malignant class is the most probable one"
    )
    facts = {"Backbone": info.backbone, "Advice": advice, "Licence": info.licence}
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(value)], className="fact")
            for name, value in facts.items()
        ],
        className="facts",
    )
