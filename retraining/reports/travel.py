"""The report of models on the pictures of other clinics: a table and a page of text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from quality.output import write_text
from retraining.evaluation.labelled import LabelledScores
from retraining.evaluation.scores import FEW_MALIGNANT
from retraining.evaluation.skin_tone import COLUMN, UNKNOWN
from retraining.markdown import markdown_table
from retraining.metrics.bootstrap import pairwise
from retraining.reports.tables import pair_tables

TABLE_FILE, DIFFERENCES_FILE = "models.csv", "differences.csv"
TEXT_FILE = "report.md"
SHOWN = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "malignant_auc": "malignant AUC",
    "auc_mel": "melanoma AUC",
    "sensitivity_mel": "melanoma recall",
    "malignant_sensitivity_at_threshold": "sensitivity at the operating point",
    "malignant_specificity_at_threshold": "specificity there",
    "ece_15": "ECE",
    "temperature_here": "temperature that would fit",
    "flagged_ood": "flagged as OOD",
    "flagged_far": "taken for no skin",
    "gate_rejected": "rejected by the gate",
}
# Of which the page has the differences; the file has those of all.
PAIRED = (
    "balanced_accuracy",
    "malignant_auc",
    "auc_mel",
    "sensitivity_mel",
    "malignant_sensitivity_at_threshold",
    "malignant_specificity_at_threshold",
)
DIFFERENCES = (
    "Differences, row minus column, with 95 % intervals and two-sided p-values: paired bootstrap "
    "over lesions, bold below 0.05, not corrected for the number of pairs."
)
TONES = (
    "By skin tone, the individual typology angle of the skin around the lesion as the camera shows "
    "it, uncalibrated: a rough guide. Unknown: no skin is seen, or its colours cannot be those of "
    "skin."
)
OF_TONES = {
    "malignant_auc": "malignant AUC",
    "malignant_sensitivity_at_threshold": "sensitivity",
    "malignant_specificity_at_threshold": "specificity",
}


def write_travel_report(
    found: Mapping[tuple[str, str], LabelledScores], out: Path, command: str
) -> None:
    """Write `models.csv`, a row per model and data set with every metric, and `report.md`.

    With several models also `differences.csv`, a row per data set, pair and metric.

    found: by model and data set; command: what was typed. Raises ValueError where two models have
    the same name and version.
    """
    found = _by_shown_name(found)
    rows = []
    for (model, data), scores in found.items():
        metrics = scores.metrics
        row: dict[str, object] = {"model": model, "data": data, "n": max(m["n"] for m in metrics)}
        for metric in metrics:
            name = metric["metric"]
            row |= {name: metric["value"], f"{name}_low": metric["low"]}
            row[f"{name}_high"] = metric["high"]
        rows.append(row)
    table = pd.DataFrame(rows)
    differences: list[dict[str, Any]] = []
    write_text(out / TABLE_FILE, table.to_csv(index=False, float_format="%.6g"))
    lines = [
        "# Models on other collections",
        "",
        f"Written by `{command}`.",
        "",
        "Each checkpoint as it is served, with the temperature, operating point and thresholds of "
        "its card: nothing is chosen here. 95 % intervals over lesions. Balanced accuracy is over "
        "the classes that the data have. ECE weighs all classes the same. Cards are calibrated at "
        "the temperature they state; where the one that would fit is larger, the model is too sure "
        "here.",
    ]
    for data in table.data.unique():
        some = table[table.data == data]
        lines += ["", f"## {data} (n = {some.n.iloc[0]:,})", ""]
        lines.append("| metric | " + " | ".join(some.model) + " |")
        lines.append("|---" * (len(some) + 1) + "|")
        for name, label in SHOWN.items():
            if name in some and some[name].notna().any():
                cells = [_cell(row, name) for _, row in some.iterrows()]
                lines.append(f"| {label} | " + " | ".join(cells) + " |")
        lines += _by_tone({model: found[model, data].groups for model in some.model})
        pairs = pairwise({model: found[model, data].samples for model in some.model}, SHOWN)
        differences += [{"data": data} | pair for pair in pairs]
        lines += _differences(pairs, list(some.model))
    write_text(out / TEXT_FILE, "\n".join(lines) + "\n")
    if differences:
        text = pd.DataFrame(differences).to_csv(index=False, float_format="%.6g")
        write_text(out / DIFFERENCES_FILE, text)


def _by_shown_name(
    found: Mapping[tuple[str, str], LabelledScores],
) -> dict[tuple[str, str], LabelledScores]:
    """By the names that a report has: with the version where two models have one name."""
    labels = {model: scores.label for (model, _), scores in found.items()}
    names = {model: Path(model).name for model in labels}
    if len(set(names.values())) < len(names):
        names = labels
    if len(set(names.values())) < len(names):
        listed = ", ".join(names.values())
        raise ValueError(f"two of the models have the same name and version: {listed}")
    return {(names[model], data): scores for (model, data), scores in found.items()}


def _differences(pairs: Sequence[dict[str, Any]], models: Sequence[str]) -> list[str]:
    """A matrix for each metric in which models are held against each other."""
    lines = ["", DIFFERENCES] if pairs else []
    for metric, head, rows in pair_tables([p for p in pairs if p["metric"] in PAIRED], models):
        head[0] = SHOWN[metric]
        lines += ["", markdown_table(head, rows).rstrip()]
    return lines


def _by_tone(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """A table of the bands of skin tone, where they are known."""
    tones = {m: [g for g in found if g["by"] == COLUMN] for m, found in groups.items()}
    first = next(iter(tones.values()))
    if not first:
        return []
    few = [g for g in first if g["group"] != UNKNOWN and g["malignant"] < FEW_MALIGNANT]
    lines = ["", TONES]
    if few:
        listed = ", ".join(f"{g['group']} ({g['malignant']})" for g in few)
        lines[-1] += f" Too few malignant pictures to judge by: {listed}."
    head = [f"{label}, {model}" for label in OF_TONES.values() for model in tones]
    lines += ["", "| skin tone | n | lesions | malignant | " + " | ".join(head) + " |"]
    lines.append("|---" * (4 + len(head)) + "|")
    for place, group in enumerate(first):
        cells = [group["group"], *(f"{group[key]:,}" for key in ("n", "lesions", "malignant"))]
        for name in OF_TONES:
            for found in tones.values():
                value = found[place]["metrics"].get(name) or {}
                cells.append(_text(*(value.get(key) for key in ("value", "low", "high"))))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(row: pd.Series, name: str) -> str:
    return _text(*(row.get(f"{name}{end}") for end in ("", "_low", "_high")))


def _text(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} ({low:.3f} to {high:.3f})"
