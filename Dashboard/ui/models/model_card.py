"""The card of a checkpoint: how well it does, measured on what, under which licence."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.ui.elements.text import percent
from Dashboard.ui.models.metrics import performance


def model_card(info: ModelInfo, details: Sequence[Component] = ()) -> html.Article:
    """The card of one checkpoint; `details` are further sections, see `card_details`."""
    name_id = f"model-{info.name}"
    tags = [html.Span("Default", className="tag")] if info.default else []
    parts: list[Component] = [
        html.Header(
            [
                html.H2(info.name, id=name_id, className="model-name"),
                *tags,
                html.Span(f"version {info.version}", className="hint"),
                html.Button(
                    "In use" if info.default else "Use this model",
                    type="button",
                    className="button model-use",
                    **{"data-use": info.name, "aria-pressed": str(info.default).lower()},
                ),
            ],
            className="model-head",
        )
    ]
    if info.description:
        parts.append(html.P(info.description, className="model-text"))
    parts.append(_facts(info))
    if info.limits:
        parts.append(
            html.Div(
                [
                    html.H3("Limits", className="model-title"),
                    html.Ul([html.Li(limit) for limit in info.limits], className="model-limits"),
                ]
            )
        )
    first = next(iter(info.operating_points), {})
    parts += performance(info.metrics, first.get("target_sensitivity"))
    parts += details
    return html.Article(parts, className="model-card", **{"aria-labelledby": name_id})


def _facts(info: ModelInfo) -> html.Dl:
    point = info.operating_point
    advice = (
        "consultation where a malignant class is the most probable one"
        if point is None
        else f"consultation from a malignant probability of {percent(float(point['threshold']))}, "
        "or where a malignant class is the most probable one"
    )
    advice = f"{advice}. {info.target_note}".strip(" .")
    facts = {"Backbone": info.backbone, "Advice": advice, "Licence": info.licence}
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(value)], className="fact")
            for name, value in facts.items()
        ],
        className="facts",
    )
