"""The tables of a comparison: as rows and as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.checkpoint import metric_columns as shared
from quality.output import cell
from retraining.markdown import Cells
from retraining.reports.compare import Entry, caveats

# Reports have room for more than the page has.
POINT = {**shared.POINT, "Accuracy": "malignant_accuracy_at_threshold"}
CALIBRATION = {
    **shared.CALIBRATION,
    "Brier before": "brier_uncalibrated",
    "Brier, natural frequencies": "brier_natural",
}
FIRST = ("model", "backbone", "recipe", "split", "n")
LAST = ("chosen_on", "form", "input_size", "temperature", "split_sha256")


def models_csv(entries: Sequence[Entry]) -> str:
    """A row per model: `FIRST`, every metric with `_low` and `_high`, `LAST`, the cost."""
    names = list(dict.fromkeys(m for e in entries for m in e.metrics[e.split]))
    costs = [key for key, _, _ in shared.COST.values()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIRST, *(n + s for n in names for s in ("", "_low", "_high")), *LAST, *costs])
    for entry in entries:
        row = entry.to_dict()
        cells = [cell(row[key]) for key in FIRST]
        for name in names:
            value = entry.value(name) or {}
            cells += [_number(value.get(key)) for key in ("value", "low", "high")]
        cells += [cell(row[key]) for key in LAST]
        writer.writerow([*cells, *(_number(entry.cost.get(key)) for key in costs)])
    return text.getvalue()


def breakdown_csv(entries: Sequence[Entry]) -> str:
    """A row per model, group and metric."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["model", "split", "by", "group", "n", "lesions", "malignant", "metric", "value", "low",
         "high"]
    )  # fmt: skip
    for entry in entries:
        for g in entry.breakdown:
            about = [cell(entry.name), g["split"], g["by"], cell(g["group"]), g["n"], g["lesions"]]
            for name, value in g["metrics"].items():
                numbers = [_number(value[key]) for key in ("value", "low", "high")]
                writer.writerow([*about, g["malignant"], name, *numbers])
    return text.getvalue()


def metric_table(
    entries: Sequence[Entry], columns: Mapping[str, str], split: str | None = None
) -> tuple[Cells, list[Cells]]:
    """Head and rows of a table: model, the metrics with intervals, which split chose and scored.

    columns: titles and metrics; split: default: the one that was scored.
    """
    wrong = caveats(entries)
    head = ["Model", *columns, "Chosen on", "Scored on", "n"]
    rows = []
    for entry in entries:
        if split is not None and split not in entry.metrics:
            continue
        values = [interval_text(entry.value(metric, split)) for metric in columns.values()]
        if not any(values):
            continue
        note = f" ({wrong[entry.name]})" if entry.name in wrong else ""
        scored = (split or entry.split) + note
        count = str(entry.counts[split or entry.split])
        rows.append([entry.name, *values, entry.evaluation.chosen_on, scored, count])
    return head, rows


def cost_table(entries: Sequence[Entry]) -> tuple[Cells, list[Cells]]:
    """What each model costs beside its balanced accuracy."""
    head = ["Model", "Input", "Balanced accuracy", *shared.COST, "Trained on", "Arithmetic"]
    rows = []
    for entry in entries:
        if entry.cost:
            cells = []
            for key, factor, digits in shared.COST.values():
                value = entry.cost.get(key)
                cells.append("" if value is None else f"{value * factor:,.{digits}f}")
            size = str(entry.evaluation.input_size)
            accuracy = interval_text(entry.value("balanced_accuracy"))
            training = [entry.cost.get(key, "") for key in ("training_device", "precision")]
            rows.append([entry.name, size, accuracy, *cells, *training])
    return head, rows


def class_table(entry: Entry) -> tuple[Cells, list[Cells]]:
    """One model, class by class."""
    names = {
        "AUC": "auc",
        "Average precision": "average_precision",
        "Precision": "precision",
        "Sensitivity": "sensitivity",
        "F1": "f1",
    }
    classes = entry.evaluation.classes
    counts = [sum(row) for row in entry.curves["confusion"]]
    rows = [
        [f"{name} ({code})", *(interval_text(entry.value(f"{m}_{code}")) for m in names.values()),
         str(count)]
        for code, name, count in zip(classes.codes, classes.names, counts, strict=True)
    ]  # fmt: skip
    return ["Class", *names, "n"], rows


def group_table(entry: Entry) -> tuple[Cells, list[Cells]]:
    """One model, group by group."""
    names = {
        "Balanced accuracy": "balanced_accuracy",
        "AUC, malignant": "malignant_auc",
        "Sensitivity": "malignant_sensitivity_at_threshold",
        "Specificity": "malignant_specificity_at_threshold",
    }
    rows = [
        [g["by"], g["group"], *(interval_text(g["metrics"].get(m)) for m in names.values()),
         str(g["n"]), str(g["malignant"])]
        for g in entry.breakdown
    ]  # fmt: skip
    return ["By", "Group", *names, "n", "malignant"], rows


def pair_tables(
    pairs: Sequence[dict[str, Any]], names: Sequence[str]
) -> Iterator[tuple[str, Cells, list[Cells]]]:
    """A matrix per metric: row minus column, bold in Markdown where p < 0.05."""
    for metric in dict.fromkeys(pair["metric"] for pair in pairs):
        found = {}
        for pair in pairs:
            if pair["metric"] == metric:
                found[pair["a"], pair["b"]] = (pair["difference"], pair["low"], pair["high"], pair)
                swapped = [None if v is None else -v for v in (pair["high"], pair["low"])]
                found[pair["b"], pair["a"]] = (-pair["difference"], *swapped, pair)
        rows = []
        for row in names:
            cells = []
            for column in names:
                if (row, column) not in found:
                    cells.append("")
                    continue
                difference, low, high, pair = found[row, column]
                spread = "" if low is None else f" ({low:+.3f} to {high:+.3f})"
                text = f"{difference:+.3f}{spread}, p = {pair['p']:.3f}"
                cells.append(f"**{text}**" if pair["p"] < 0.05 else text)
            rows.append([row, *cells])
        yield metric, ["", *names], rows


def interval_text(value: dict[str, Any] | None) -> str:
    """`0.912 (0.890–0.930)`; empty where there is no value."""
    if not value:
        return ""
    if value["low"] is None:
        return f"{value['value']:.3f}"
    return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
