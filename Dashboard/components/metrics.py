"""The measured performance on a checkpoint's card, as tables with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.components.text import share
from models.taxonomy import HAM10000

Metric = Mapping[str, Any]
# Metric names whose spelling is not just theirs with a capital letter.
METRIC_NAMES = {
    "macro_auc": "Macro AUC",
    "auc": "AUC",
    "malignant_auc": "AUC, malignant or not",
    "malignant_sensitivity": "Sensitivity to malignant lesions",
    "malignant_specificity": "Specificity to malignant lesions",
    "ece_15": "Calibration error (ECE, 15 bins)",
    "nll": "Log loss",
    "macro_f1": "Macro F1",
}
SPLIT_NAMES = {
    "test": "Test split: lesions kept aside until the end",
    "val": "Validation split: lesions that helped to choose the weights",
}


def performance(metrics: Sequence[Metric]) -> list[Component]:
    """Tables of `metrics`: the test split open, any other folded; a sentence where there are none.

    metrics: entries `{"metric", "split", "n", "value", "low", "high"}`. Those named NAME_CODE,
    CODE being a class, make a table with a row per class.
    """
    if not metrics:
        return [html.P("The card of this model has no metrics.", className="hint")]
    splits = list(dict.fromkeys(str(metric.get("split", "")) for metric in metrics))
    first = "test" if "test" in splits else splits[0]
    parts: list[Component] = []
    for split in sorted(splits, key=lambda name: name != first):
        title = SPLIT_NAMES.get(split, f"Split {split}")
        of_split = [metric for metric in metrics if str(metric.get("split", "")) == split]
        if split == first:
            parts += [html.H3(title, className="model-title"), *_tables(of_split)]
        else:
            folded = [html.Summary(title), *_tables(of_split)]
            parts.append(html.Details(folded, className="model-fold"))
    return parts


def metric_name(key: str) -> str:
    """A metric's name for people: `balanced_accuracy` is "Balanced accuracy"."""
    return METRIC_NAMES.get(key, key.replace("_", " ").capitalize())


def class_of(key: str) -> tuple[str, str] | None:
    """`("auc", "mel")` for `auc_mel`; None for a metric that is not of one class."""
    name, _, code = key.rpartition("_")
    return (name, code) if name and code in HAM10000.codes else None


def _tables(metrics: Sequence[Metric]) -> list[Component]:
    overall = [m for m in metrics if class_of(str(m.get("metric", ""))) is None]
    by_class: dict[str, dict[str, Metric]] = {}
    for metric in metrics:
        found = class_of(str(metric.get("metric", "")))
        if found:
            by_class.setdefault(found[1], {})[found[0]] = metric
    tables: list[Component] = [_overall(overall)] if overall else []
    return [*tables, _per_class(by_class)] if by_class else tables


def _overall(metrics: Sequence[Metric]) -> html.Div:
    scale = html.Span("Interval on a scale from 0 to 1", className="visually-hidden")
    head = [
        html.Th("Metric", scope="col"),
        html.Th("Value", scope="col", className="number"),
        html.Th("95% interval", scope="col", className="number"),
        html.Th(scale, scope="col", className="interval-column"),
    ]
    counts = sorted({int(metric["n"]) for metric in metrics if metric.get("n")})
    title = "All classes together"
    if counts:
        title += ", " + " or ".join(f"{count:,}" for count in counts) + " images"
    rows = []
    for metric in metrics:
        value, low, high = _numbers(metric)
        rows.append(
            html.Tr(
                [
                    html.Th(metric_name(str(metric.get("metric", ""))), scope="row"),
                    html.Td("–" if value is None else f"{value:.3f}", className="number"),
                    html.Td(_range(low, high), className="number"),
                    html.Td(_interval(value, low, high), className="interval-column"),
                ]
            )
        )
    return _scrollable(html.Thead(html.Tr(head)), html.Tbody(rows), title)


def _per_class(by_class: Mapping[str, Mapping[str, Metric]]) -> html.Div:
    names = list(dict.fromkeys(name for values in by_class.values() for name in values))
    head = [html.Th("Class", scope="col")]
    head += [html.Th(metric_name(name), scope="col", className="number") for name in names]
    rows = []
    for code, values in by_class.items():
        cells = []
        for name in names:
            value, low, high = _numbers(values.get(name, {}))
            text = "–" if value is None else f"{value:.2f}"
            spread = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
            cells.append(html.Td([text, html.Span(spread, className="spread")], className="number"))
        rows.append(html.Tr([html.Th(HAM10000.name(code), scope="row"), *cells]))
    return _scrollable(html.Thead(html.Tr(head)), html.Tbody(rows), "Class by class")


def _scrollable(head: html.Thead, body: html.Tbody, title: str) -> html.Div:
    table = html.Table(
        [html.Caption(title, className="block-title"), head, body], className="table"
    )
    return html.Div(
        table, className="model-metrics", tabIndex=0, role="region", **{"aria-label": title}
    )


def _numbers(metric: Metric) -> tuple[float | None, float | None, float | None]:
    return metric.get("value"), metric.get("low"), metric.get("high")


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _interval(value: float | None, low: float | None, high: float | None) -> html.Div | None:
    """A whisker from `low` to `high` with a dot at `value`; None for what is not in [0, 1]."""
    if value is None or not 0 <= value <= 1:
        return None
    marks = [html.Div(className="interval-dot", style={"left": share(value)})]
    if low is not None and high is not None:
        whisker = {"left": share(low), "width": share(high - low)}
        marks.insert(0, html.Div(className="interval-bar", style=whisker))
    return html.Div(marks, className="interval", **{"aria-hidden": "true"})
