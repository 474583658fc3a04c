"""What a checkpoint says of itself, as a card: measured how well, on what, under which licence."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.components.text import percent, share
from Dashboard.service import ModelInfo

# Metric names whose spelling is not just theirs with a capital letter.
METRIC_NAMES = {
    "macro_auc": "Macro AUC",
    "auc": "AUC",
    "auc_malignant": "AUC, malignant or not",
    "malignant_auc": "AUC, malignant or not",
    "ece": "Calibration error (ECE)",
    "nll": "Log loss",
    "macro_f1": "Macro F1",
}


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
    parts.append(_metrics(info.metrics))
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


def metric_name(key: str) -> str:
    """A metric's name for people: `balanced_accuracy` is "Balanced accuracy"."""
    return METRIC_NAMES.get(key, key.replace("_", " ").capitalize())


def _facts(info: ModelInfo) -> html.Dl:
    point = info.operating_point
    advice = (
        "consultation where a malignant class is the most probable one"
        if point is None
        else f"consultation from a malignant probability of {percent(float(point['threshold']))}"
    )
    facts = {"Backbone": info.backbone, "Advice": advice, "Licence": info.licence}
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(value)], className="fact")
            for name, value in facts.items()
        ],
        className="facts",
    )


def _metrics(metrics: Sequence[Mapping[str, Any]]) -> html.Div:
    if not metrics:
        return html.Div(html.P("The card of this model has no metrics.", className="hint"))
    head = html.Tr(
        [
            html.Th("Metric", scope="col"),
            html.Th("Value", scope="col", className="number"),
            html.Th("95% interval", scope="col", className="number"),
            html.Th(
                html.Span("Interval on a scale from 0 to 1", className="visually-hidden"),
                scope="col",
                className="interval-column",
            ),
            html.Th("Images", scope="col", className="number"),
            html.Th("Split", scope="col"),
        ]
    )
    return html.Div(
        html.Table(
            [
                html.Caption("Measured performance", className="model-title"),
                html.Thead(head),
                html.Tbody([_metric(metric) for metric in metrics]),
            ],
            className="table",
        ),
        className="model-metrics",
        tabIndex=0,
        role="region",
        **{"aria-label": "Measured performance"},
    )


def _metric(metric: Mapping[str, Any]) -> html.Tr:
    value, low, high = (metric.get(key) for key in ("value", "low", "high"))
    interval = "–" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    return html.Tr(
        [
            html.Th(metric_name(str(metric.get("metric", ""))), scope="row"),
            html.Td("–" if value is None else f"{value:.3f}", className="number"),
            html.Td(interval, className="number"),
            html.Td(_interval(value, low, high), className="interval-column"),
            html.Td(f"{metric['n']:,}" if metric.get("n") else "–", className="number"),
            html.Td(str(metric.get("split", "–"))),
        ]
    )


def _interval(value: float | None, low: float | None, high: float | None) -> html.Div | None:
    """A whisker from `low` to `high` with a dot at `value`; None for what is not in [0, 1]."""
    if value is None or not 0 <= value <= 1:
        return None
    marks = [html.Div(className="interval-dot", style={"left": share(value)})]
    if low is not None and high is not None:
        whisker = {"left": share(low), "width": share(high - low)}
        marks.insert(0, html.Div(className="interval-bar", style=whisker))
    return html.Div(marks, className="interval", **{"aria-hidden": "true"})
