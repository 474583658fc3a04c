"""The measured performance on a checkpoint's card, as tables with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.elements.tables import data_table, interval
from models.registry.taxonomy import HAM10000

Metric = Mapping[str, Any]
# Metric names whose spelling is not just theirs with a capital letter.
METRIC_NAMES = {
    "macro_auc": "Macro AUC",
    "auc": "AUC",
    "f1": "F1",
    "malignant_auc": "AUC, malignant or not",
    "malignant_average_precision": "Average precision, malignant or not",
    "ece_15": "Calibration error (ECE, 15 bins)",
    "brier": "Brier score",
    "nll": "Log loss",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
}
SPLIT_NAMES = {
    "test": "Test split: lesions that nothing was trained or chosen on",
    "val": "Validation split: lesions that helped to choose the weights",
    "val_resampled": "Validation split, every class weighing the same",
}
# Metrics that are shown side by side: the ending of the name, and the column's title.
RULES = {"_at_threshold": "At the operating point", "": "Most likely class"}
FORMS = {
    "_uncalibrated": "Before calibration",
    "": "Calibrated",
    "_natural": "At natural frequencies",
}
CALLS = tuple(
    f"malignant_{name}" for name in ("sensitivity", "specificity", "precision", "f1", "accuracy")
)
ERRORS = ("ece_15", "brier", "log_loss")


def performance(metrics: Sequence[Metric], target: float | None = None) -> list[Component]:
    """Tables of `metrics`: the test split open, any other folded; a sentence where there are none.

    target: sensitivity that the operating point which they speak of was chosen for.
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
            parts += [html.P(title, className="model-text"), *_tables(of_split, target)]
        else:
            folded = [html.Summary(title), *_tables(of_split, target)]
            parts.append(html.Details(folded, className="model-fold stack"))
    return parts


def metric_name(key: str) -> str:
    """A metric's name for people: `balanced_accuracy` is "Balanced accuracy"."""
    return METRIC_NAMES.get(key, key.replace("_", " ").capitalize())


def class_of(key: str) -> tuple[str, str] | None:
    """`("auc", "mel")` for `auc_mel`; None for a metric that is not of one class."""
    name, _, code = key.rpartition("_")
    return (name, code) if name and code in HAM10000.codes else None


def _tables(metrics: Sequence[Metric], target: float | None) -> list[Component]:
    by_name = {str(metric.get("metric", "")): metric for metric in metrics}
    rules = (
        RULES if target is None else {**RULES, "_at_threshold": f"Operating point for {target:.0%}"}
    )
    calls = _side_by_side(by_name, CALLS, rules, "Malignant or not", len("malignant_"))
    errors = _side_by_side(by_name, ERRORS, FORMS, "Probabilities: distance from the truth", 0)
    apart = {stem + ending for stem in CALLS for ending in RULES if calls}
    apart |= {stem + ending for stem in ERRORS for ending in FORMS if errors}
    overall = [m for name, m in by_name.items() if class_of(name) is None and name not in apart]
    by_class: dict[str, dict[str, Metric]] = {}
    for name, metric in by_name.items():
        found = class_of(name)
        if found:
            by_class.setdefault(found[1], {})[found[0]] = metric
    tables: list[Component] = [_overall(overall)] if overall else []
    tables += [table for table in (calls, errors) if table is not None]
    return [*tables, _per_class(by_class)] if by_class else tables


def _side_by_side(
    metrics: Mapping[str, Metric],
    stems: Sequence[str],
    endings: Mapping[str, str],
    title: str,
    cut: int,
) -> html.Div | None:
    """A row per stem, a column per ending; None where fewer than two columns would be filled."""
    filled = [e for e in endings if any(stem + e in metrics for stem in stems)]
    if len(filled) < 2:
        return None
    rows = [
        [metric_name(stem[cut:]), *(interval(metrics.get(stem + e)) for e in filled)]
        for stem in stems
    ]
    return data_table(title, ["Metric", *(endings[e] for e in filled)], rows)


def _overall(metrics: Sequence[Metric]) -> html.Div:
    counts = sorted({int(metric["n"]) for metric in metrics if metric.get("n")})
    title = "All classes together"
    if counts:
        title += ", " + " or ".join(f"{count:,}" for count in counts) + " images"
    rows = [[metric_name(str(metric.get("metric", ""))), interval(metric)] for metric in metrics]
    return data_table(title, ["Metric", "Value and 95% interval"], rows)


def _per_class(by_class: Mapping[str, Mapping[str, Metric]]) -> html.Div:
    names = list(dict.fromkeys(name for values in by_class.values() for name in values))
    rows = [
        [HAM10000.name(code), *(interval(values.get(name), 2) for name in names)]
        for code, values in by_class.items()
    ]
    return data_table("Class by class", ["Class", *map(metric_name, names)], rows)
