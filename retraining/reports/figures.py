"""The figures of a comparison: entries in, `plotly.graph_objects.Figure` out.

They carry no template and no page colours: whoever shows them paints text and grid lines.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from models.registry.taxonomy import Taxonomy
from retraining.evaluation.scores import AT_THRESHOLD
from retraining.reports.compare import Entry

# Told apart by hue and lightness, at least 3:1 against white and against near-black.
COLOURS = (
    "#0f8b8d", "#d1495b", "#6f6cc9", "#b7791f", "#3f8f4f", "#b0549f", "#4a86c5", "#8a7a5c",
    "#c2632d", "#7a8b99",
)  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 420
HEADLINES = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_auc": "AUC, seven classes",
    "malignant_auc": "AUC, malignant or not",
}


def all_figures(entries: Sequence[Entry]) -> dict[str, go.Figure]:
    """Every figure by its file's name, without suffix.

    `intervals`, `cost`; `roc_TASK` and `pr_TASK` for `malignant` and every class;
    `confusion_NUMBER`, `reliability_NUMBER` and `groups_NUMBER` for the models in order.
    """
    figures = {"intervals": intervals(entries)}
    if any(entry.cost for entry in entries):
        figures["cost"] = cost(entries)
    tasks = ["malignant", *entries[0].evaluation.classes.codes]
    for task in tasks:
        if any(task in entry.curves["roc"] for entry in entries):
            figures[f"roc_{task}"] = roc(entries, task)
            figures[f"pr_{task}"] = precision_recall(entries, task)
    for number, entry in enumerate(entries):
        figures[f"confusion_{number}"] = confusion(entry)
        figures[f"reliability_{number}"] = reliability(entry)
        if entry.breakdown:
            figures[f"groups_{number}"] = groups(entry)
    return figures


def intervals(entries: Sequence[Entry]) -> go.Figure:
    """The headline metrics of every model with their 95 % intervals."""
    figure = _figure("Metric with 95% interval", "")
    for metric, (colour, symbol) in zip(
        HEADLINES,
        zip(COLOURS, ("circle", "square", "diamond"), strict=False),
        strict=False,
    ):
        found = [(entry, value) for entry in entries if (value := entry.value(metric))]
        figure.add_trace(
            go.Scatter(
                x=[round(value["value"], 4) for _, value in found],
                y=[entry.name for entry, _ in found],
                error_x=_error([value for _, value in found]),
                mode="markers",
                name=HEADLINES[metric],
                marker={"color": colour, "size": 10, "symbol": symbol},
            )
        )
    height = 150 + 60 * len(entries)
    figure.update_layout(height=height, scattermode="group", legend={"traceorder": "reversed"})
    return figure.update_yaxes(autorange="reversed", type="category", automargin=True)


def roc(entries: Sequence[Entry], task: str) -> go.Figure:
    """ROC curves of a class against the rest, or of `malignant`, with both rules as points."""
    figure = _figure("1 - specificity", "Sensitivity", unit=True)
    figure.add_trace(_line([0, 1], [0, 1], "chance", "#8b9f9b", "dot", hover=False))
    for number, entry in enumerate(entries):
        metric = "malignant_auc" if task == "malignant" else f"auc_{task}"
        _add_curve(figure, number, entry, "roc", task, entry.value(metric))
        if task == "malignant":
            _add_rules(figure, number, entry)
    return figure


def precision_recall(entries: Sequence[Entry], task: str) -> go.Figure:
    """Precision over sensitivity."""
    figure = _figure("Sensitivity", "Precision", unit=True)
    for number, entry in enumerate(entries):
        name = "malignant_average_precision" if task == "malignant" else f"average_precision_{task}"
        _add_curve(figure, number, entry, "pr", task, entry.value(name))
    return figure


def confusion(entry: Entry) -> go.Figure:
    """Share of every true class (rows) that was given to each class, with the counts."""
    matrix, codes = entry.curves["confusion"], entry.curves["classes"]
    shares = [[round(n / max(sum(row), 1), 3) for n in row] for row in matrix]
    figure = _figure("Predicted", "True")
    figure.add_trace(
        go.Heatmap(
            z=shares,
            x=codes,
            y=codes,
            text=matrix,
            texttemplate="%{text}",
            zmin=0,
            zmax=1,
            colorscale=[[0, "#eef4f3"], [1, "#0b5a60"]],
            colorbar={"title": {"text": "share of<br>the class"}, "thickness": 10},
            hovertemplate="%{y} called %{x}: %{text} (%{z:.0%})<extra></extra>",
        )
    )
    return figure.update_yaxes(autorange="reversed", type="category").update_xaxes(type="category")


def reliability(entry: Entry) -> go.Figure:
    """Accuracy over confidence: before and after calibration, and at natural frequencies."""
    figure = _figure("Confidence", "Accuracy", unit=True)
    figure.add_trace(_line([0, 1], [0, 1], "exact", "#8b9f9b", "dot", hover=False))
    names = {
        "uncalibrated": ("before calibration", "ece_15_uncalibrated"),
        "calibrated": ("calibrated", "ece_15"),
        "natural": ("calibrated, natural frequencies", "ece_15_natural"),
    }
    for number, (key, (name, metric)) in enumerate(names.items()):
        bins = entry.curves["reliability"].get(key)
        if not bins:
            continue
        value = entry.value(metric)
        label = f"{name}: ECE {value['value']:.3f}" if value else name
        figure.add_trace(
            go.Scatter(
                x=[b["confidence"] for b in bins],
                y=[b["accuracy"] for b in bins],
                customdata=[b["n"] for b in bins],
                mode="lines+markers",
                name=label,
                line={"color": COLOURS[number], "dash": DASHES[number % len(DASHES)]},
                hovertemplate="confidence %{x:.2f}, accuracy %{y:.2f}, n = %{customdata}"
                "<extra></extra>",
            )
        )
    return figure


def cost(entries: Sequence[Entry]) -> go.Figure:
    """Balanced accuracy over the time for an image."""
    figure = _figure("Milliseconds for an image, as served", "Balanced accuracy")
    for number, entry in enumerate(entries):
        value = entry.value("balanced_accuracy")
        if not entry.cost or not value:
            continue
        c = entry.cost
        figure.add_trace(
            go.Scatter(
                x=[round(c["latency_ms"], 2)],
                y=[round(value["value"], 4)],
                error_y=_error([value]),
                mode="markers",
                name=entry.name,
                marker={"size": 13, "color": _colour(number)},
                hovertemplate=f"{_text(entry.name)}<br>%{{x:.1f}} ms, %{{y:.3f}}<br>"
                f"{c['parameters'] / 1e6:.1f} M parameters, {c['gmacs']:.2f} GMACs, "
                f"{c['file_mb']:.1f} MB<extra></extra>",
            )
        )
    return figure.update_xaxes(rangemode="tozero")


def groups(entry: Entry) -> go.Figure:
    """Sensitivity and specificity to malignant lesions by sex, age, body site, tone, diagnosis."""
    figure = _figure("At the operating point, 95% interval", "")
    suffix = AT_THRESHOLD if entry.evaluation.operating_point else ""
    labels = [f"{g['group']} (n = {g['n']})" for g in entry.breakdown]
    kinds = [
        {"age": "age", "dx_type": "diagnosis by"}.get(g["by"], g["by"]) for g in entry.breakdown
    ]
    for number, (metric, name) in enumerate(
        {"malignant_sensitivity": "Sensitivity", "malignant_specificity": "Specificity"}.items()
    ):
        rows = [
            (kind, label, g["metrics"][metric + suffix])
            for kind, label, g in zip(kinds, labels, entry.breakdown, strict=True)
            if metric + suffix in g["metrics"]
        ]
        figure.add_trace(
            go.Scatter(
                x=[round(value["value"], 4) for _, _, value in rows],
                y=[[kind for kind, _, _ in rows], [label for _, label, _ in rows]],
                error_x=_error([value for _, _, value in rows]),
                mode="markers",
                name=name,
                marker={
                    "color": COLOURS[number],
                    "size": 8,
                    "symbol": ("circle", "diamond")[number],
                },
            )
        )
    figure.update_layout(height=140 + 26 * len(labels), scattermode="group")
    return figure.update_yaxes(autorange="reversed", automargin=True).update_xaxes(
        range=[-0.02, 1.02]
    )


def task_name(task: str, taxonomy: Taxonomy) -> str:
    """What a ROC or precision-recall curve tells apart."""
    return "Malignant or not" if task == "malignant" else taxonomy.name(task)


def _add_curve(
    figure: go.Figure, number: int, entry: Entry, kind: str, task: str, area: Any
) -> None:
    curve = entry.curves[kind].get(task)
    if curve:
        label = f"{_text(entry.name)} ({area['value']:.3f})" if area else _text(entry.name)
        dash = DASHES[number // len(COLOURS) % len(DASHES)]
        figure.add_trace(_line(curve["x"], curve["y"], label, _colour(number), dash))


def _add_rules(figure: go.Figure, number: int, entry: Entry) -> None:
    """Where the two rules stand: a circle for the threshold, a cross for the argmax."""
    for suffix, symbol, rule in ((AT_THRESHOLD, "circle", "threshold"), ("", "x", "most likely")):
        sensitivity = entry.value(f"malignant_sensitivity{suffix}")
        specificity = entry.value(f"malignant_specificity{suffix}")
        if sensitivity and specificity:
            figure.add_trace(
                go.Scatter(
                    x=[round(1 - specificity["value"], 4)],
                    y=[round(sensitivity["value"], 4)],
                    mode="markers",
                    showlegend=False,
                    name=f"{_text(entry.name)}, {rule}",
                    marker={"color": _colour(number), "size": 9, "symbol": symbol},
                )
            )


def _figure(x: str, y: str, *, unit: bool = False) -> go.Figure:
    figure = go.Figure(layout={"template": {}})
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 60, "r": 16, "t": 16, "b": 56},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        font={"size": 13},
        xaxis={"title": {"text": x}, "zeroline": False},
        yaxis={"title": {"text": y}, "zeroline": False},
    )
    if unit:
        figure.update_xaxes(range=[-0.01, 1.01]).update_yaxes(range=[-0.01, 1.01])
    return figure


def _line(
    x: Sequence[float], y: Sequence[float], name: str, colour: str, dash: str, hover: bool = True
) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": colour, "dash": dash, "width": 2},
        hoverinfo=None if hover else "skip",
        showlegend=hover,
    )


def _error(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def reach(value: dict[str, Any], sign: int, key: str) -> float:
        return 0.0 if value[key] is None else max(0.0, sign * (value[key] - value["value"]))

    return {
        "type": "data",
        "symmetric": False,
        "array": [round(reach(v, 1, "high"), 4) for v in values],
        "arrayminus": [round(reach(v, -1, "low"), 4) for v in values],
        "thickness": 1.5,
        "width": 4,
    }


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _text(name: str) -> str:
    """A name that Plotly, which reads tags in texts, shows as it is."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
