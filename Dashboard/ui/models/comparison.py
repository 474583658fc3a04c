"""Models side by side: the two tables of the field, curves, calibration, cost."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.ui.models.shipped_comparison import Comparison
from models.checkpoint.metric_columns import CALIBRATION, COST, POINT, SEVEN, TWO
from models.registry.taxonomy import HAM10000

# Until a figure has come.
EMPTY = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "xaxis": {"visible": False},
    "yaxis": {"visible": False},
}


def comparison_view(found: Comparison, installed: Collection[str]) -> html.Section:
    """The comparison; `installed`: names of the checkpoints that can be chosen."""
    scored = {f"{model['n']:,}" for model in found.models}
    chosen = {str(model["chosen_on"]) for model in found.models}
    intro = (
        f"Scored on the {found.split} split ({' or '.join(sorted(scored))} images), 95% intervals "
        f"over lesions. Weights, temperature and threshold were chosen on {', '.join(chosen)}. "
        "Select a column's title to sort."
    )
    shapes = {
        "Seven classes": SEVEN,
        "Malignant or benign, most likely class": TWO,
        "Malignant or benign, operating point": POINT,
    }
    parts: list[Component] = [
        html.H2("Comparison", id="comparison-title"),
        html.P(intro, className="model-text"),
    ]
    parts += [metric_table(found, title, columns, installed) for title, columns in shapes.items()]
    if "intervals" in found.figures:
        parts.append(_titled("Headline metrics", _graph("intervals")))
    tasks = [name.removeprefix("roc_") for name in sorted(found.figures) if name[:4] == "roc_"]
    if tasks:
        tasks.sort(key=lambda task: task != "malignant")
        parts.append(html.H3("ROC and precision-recall curves", className="model-title"))
        choice = [{"value": task, "label": _task_name(task)} for task in tasks]
        parts.append(_choice("curve-task", "Tell apart", choice))
        parts.append(html.Div([_graph("roc"), _graph("pr")], className="graph-pair"))
    parts.append(html.H3("Confusion and calibration of one model", className="model-title"))
    choice = [
        {"value": str(number), "label": model["model"]}
        for number, model in enumerate(found.models)
        if f"confusion_{number}" in found.figures
    ]
    if choice:
        parts.append(_choice("curve-model", "Model shown", choice))
        parts.append(html.Div([_graph("confusion"), _graph("reliability")], className="graph-pair"))
    parts.append(metric_table(found, "Calibration", CALIBRATION, installed))
    if any(model.get("cost") for model in found.models):
        if "cost" in found.figures:
            parts.append(_titled("Cost and accuracy", _graph("cost")))
        parts.append(cost_table(found, installed))
    return html.Section(parts, className="comparison", **{"aria-labelledby": "comparison-title"})


def metric_table(
    found: Comparison, title: str, columns: Mapping[str, str], installed: Collection[str]
) -> html.Div:
    """A row per model: metrics with intervals, and which split chose and which scored."""
    rows = []
    for model in found.models:
        values = model["metrics"][found.split]
        cells = [_value(values.get(metric)) for metric in columns.values()]
        scored = str(model["split"])
        if model["model"] in found.caveats:
            scored += f" ({found.caveats[model['model']]})"
        about = [html.Td(str(model["chosen_on"])), html.Td(scored)]
        rows.append(_row(model["model"], installed, [*cells, *about]))
    titles = ["Model", *columns, "Chosen on", "Scored on"]
    return _sortable(title, titles, len(columns), rows)


def cost_table(found: Comparison, installed: Collection[str]) -> html.Div:
    """A row per model that was measured."""
    rows = []
    for model in found.models:
        cost = model.get("cost") or {}
        if not cost:
            continue
        cells = []
        for key, factor, digits in COST.values():
            value = cost.get(key)
            text = "–" if value is None else f"{value * factor:,.{digits}f}"
            cells.append(html.Td(text, className="number"))
        machine = f"{cost.get('processor', '')}, {cost.get('precision', '')}"
        measured = [html.Td(cost.get("training_device") or "–"), html.Td(machine)]
        rows.append(_row(model["model"], installed, [*cells, *measured]))
    titles = ["Model", *COST, "Trained on", "Measured on"]
    return _sortable("Cost", titles, len(COST), rows)


def _row(name: str, installed: Collection[str], cells: Sequence[Component]) -> html.Tr:
    # `assets/models/models.js` shows the mark at the model in use.
    mark = html.Span("In use", className="tag tag-used", hidden=True, **{"data-used": name})
    return html.Tr(
        [html.Th([html.Span(name), *([mark] if name in installed else [])], scope="row"), *cells]
    )


def _sortable(title: str, titles: Sequence[str], numbers: int, rows: list[html.Tr]) -> html.Div:
    head = [
        html.Th(
            html.Button(text, type="button", className="sort", **{"data-order": str(place)}),
            scope="col",
            className="number" if 1 <= place <= numbers else None,
        )
        for place, text in enumerate(titles)
    ]
    table = html.Table(
        [
            html.Caption(title, className="block-title"),
            html.Thead(html.Tr(head)),
            html.Tbody(rows),
        ],
        className="table",
    )
    return html.Div(
        table, className="model-metrics", tabIndex=0, role="region", **{"aria-label": title}
    )


def _value(value: Mapping[str, Any] | None) -> html.Td:
    if not value:
        return html.Td("–", className="number")
    spread = ""
    if value.get("low") is not None:
        spread = f" ({value['low']:.3f} to {value['high']:.3f})"
    parts = [f"{value['value']:.3f}", html.Span(spread, className="spread")]
    return html.Td(parts, className="number")


def _choice(identity: str, label: str, options: list[dict[str, str]]) -> html.Div:
    select = dmc.Select(
        id=identity,
        label=label,
        data=options,
        value=options[0]["value"],
        allowDeselect=False,
        comboboxProps={"shadow": "md"},
    )
    return html.Div(select, className="graph-choice")


def _titled(title: str, graph: Component) -> html.Div:
    return html.Div([html.H3(title, className="model-title"), graph])


def _graph(name: str) -> html.Div:
    """Filled in the browser, from `/comparison/NAME.json`."""
    graph = dcc.Graph(
        id=f"graph-{name}",
        figure={"data": [], "layout": EMPTY},
        config={"displayModeBar": False, "responsive": True},
    )
    return html.Div(graph, className="graph")


def _task_name(task: str) -> str:
    if task == "malignant":
        return "Malignant or not"
    return f"{HAM10000.name(task)} or not" if task in HAM10000.codes else f"{task} or not"
