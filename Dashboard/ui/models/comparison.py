"""Models side by side: the tables of the field, cost, and what others published."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.elements.tables import NOTHING, data_table, interval
from Dashboard.ui.models.shipped_comparison import Comparison, name_of
from models.checkpoint.metric_columns import CALIBRATION, COST, POINT, SEVEN, TWO
from models.registry.names import title as plain_title

PUBLISHED = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
PUBLISHED_TABLES = {"7-class": "Seven classes", "2-class": "Malignant or benign"}
Model = Mapping[str, Any]


def side_by_side(
    found: Comparison, names: Collection[str], targets: Collection[float]
) -> list[Component]:
    """The tables of the models of these names.

    targets: sensitivities that the operating points of their figures were chosen for.
    """
    models = [model for model in found.models if model["model"] in names]
    if not models:
        return []
    points = " and ".join(f"{target:.0%}" for target in sorted(targets))
    shapes = {
        "Seven classes": SEVEN,
        "Malignant or benign, most likely class": TWO,
        f"Malignant or benign, operating point for {points}": POINT,
        "Calibration": CALIBRATION,
    }
    tables = [metric_table(found, models, *shape) for shape in shapes.items()]
    if any(model.get("cost") for model in models):
        tables.append(cost_table(models))
    return [table for table in tables if table is not None]


def scored_on(found: Comparison) -> str:
    """What the tables were measured on, in a sentence."""
    counts = sorted({f"{model['n']:,}" for model in found.models})
    chosen = sorted({str(model["chosen_on"]) for model in found.models})
    return (
        f"Scored on the {found.split} split ({' or '.join(counts)} images), 95% intervals over "
        f"lesions. Weights, temperature and threshold were chosen on {', '.join(chosen)}."
    )


def metric_table(
    found: Comparison, models: Sequence[Model], title: str, columns: Mapping[str, str]
) -> html.Div | None:
    """A row per model: metrics with intervals; None where none of them was measured."""
    scores = {model["model"]: model["metrics"][found.split] for model in models}
    if not any(metric in values for values in scores.values() for metric in columns.values()):
        return None
    rows = []
    for model in models:
        name = model["model"]
        caveat = f" ({found.caveats[name]})" if name in found.caveats else ""
        cells = [interval(scores[name].get(metric)) for metric in columns.values()]
        rows.append([name_of(model) + caveat, *cells])
    return data_table(title, ["Model", *columns], rows)


def cost_table(models: Sequence[Model]) -> html.Div:
    """A row per model that was measured."""
    rows = []
    for model in models:
        cost = model.get("cost") or {}
        if not cost:
            continue
        cells = []
        for key, factor, digits in COST.values():
            value = cost.get(key)
            cells.append(NOTHING if value is None else f"{value * factor:,.{digits}f}")
        machine = f"{cost.get('processor', '')}, {cost.get('precision', '')}"
        rows.append([name_of(model), *cells, cost.get("training_device") or NOTHING, machine])
    return data_table("Cost", ["Model", *COST, "Trained on", "Measured on"], rows)


def published_tables(published: Sequence[Mapping[str, str]]) -> list[Component]:
    """What others reported, each table with how they measured it."""
    parts: list[Component] = []
    for kind in dict.fromkeys(row["table"] for row in published):
        rows = [row for row in published if row["table"] == kind]
        body = [
            [plain_title(row["model"]), *(row.get(key, NOTHING) for key in PUBLISHED)]
            for row in rows
        ]
        title = f"Published: {PUBLISHED_TABLES.get(kind, kind)}"
        parts.append(data_table(title, ["Model", *PUBLISHED.values()], body))
        for protocol in dict.fromkeys(row.get("protocol", "") for row in rows):
            parts.append(html.P(protocol, className="model-text"))
    return parts
