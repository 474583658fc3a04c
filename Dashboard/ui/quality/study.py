"""The study of the gate, as `python -m studies.gate` left it on disk."""

import csv
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Dashboard.ui.elements.text import percent

FOLDER = Path(__file__).resolve().parents[3] / "reports" / "gate"
TABLES = ("levels", "losses", "false_rejects", "distribution")
KINDS = {"blur": "Blur, pixels at a width of 600", "contrast": "Contrast left"}
MEASURES = {"sharpness": "Sharpness at 600 × 450", "gamma": "Contrast (gamma)"}
LINE, THRESHOLD = "#4f8a8f", "#c9567a"
# Of the height of a plot.
LABEL_ROW = 0.09
Row = dict[str, str]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Study:
    """What was found.

    result: of `gate.json`.
    tables: by name, rows of texts.
    """

    result: dict[str, Any]
    tables: dict[str, list[Row]]


def load_study() -> Study | None:
    """Read the study; None where there is none, or none that this release understands."""
    try:
        result = json.loads((FOLDER / "gate.json").read_text(encoding="utf-8"))
        _ = result["scored_on"]["images"], result["recommended"]["min_gamma"], result["rule"]
        return Study(
            result=result,
            tables={name: _rows(FOLDER / f"{name}.csv") for name in TABLES},
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        logger.warning("the study of the gate in %s is not shown: %r", FOLDER, error)
        return None


def summary(study: Study) -> str:
    """What was asked, on what, and what follows, in sentences."""
    found, scored = study.result["recommended"], study.result["scored_on"]
    rejected = " and ".join(
        f"{percent(float(row['rejected']))} ({percent(float(row['rejected_low']))} to "
        f"{percent(float(row['rejected_high']))}) by {_thresholds(study, row['gate'])}"
        for row in study.tables["false_rejects"]
        if row["class"] == "all"
    )
    return (
        f"{scored['images']:,} test images of {scored['lesions']:,} lesions were blurred and faded "
        "step by step and classified at every step. Accuracy is lost below a sharpness of "
        f"{found['min_laplacian']:g} and a contrast of {found['min_gamma']:g} "
        "(GATE=recommended). Of the images as they are, the classes weighing the same, are "
        f"rejected: {rejected}."
    )


def levels(study: Study, kind: str) -> list[list[str]]:
    """Rows of a table: step, balanced accuracy with its interval, AUC, the measure's median."""
    measure = "sharpness" if kind == "blur" else "gamma"
    return [
        [
            f"{float(row['level']):g}",
            f"{float(row['balanced_accuracy']):.3f}\n"
            f"{float(row['balanced_accuracy_low']):.3f} to "
            f"{float(row['balanced_accuracy_high']):.3f}",
            f"{float(row['malignant_auc']):.3f}",
            f"{float(row[measure]):.3g}",
        ]
        for row in study.tables["levels"]
        if row["kind"] == kind
    ]


def distribution(study: Study, measure: str, thresholds: dict[str, float]) -> dict[str, Any]:
    """How the test images are spread over a measure, and where thresholds stand; for Plotly.

    measure: of `MEASURES`.
    thresholds: values by what they are called.
    """
    rows = [row for row in study.tables["distribution"] if row["measure"] == measure]
    low, high = ([float(row[end]) for row in rows] for end in ("low", "high"))
    bars = {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hv", "color": LINE},
        "fill": "tozeroy",
        "x": [*low, high[-1]],
        "y": [*(int(row["n"]) for row in rows), 0],
        "hovertemplate": "from %{x:.3g}: %{y} images<extra></extra>",
    }
    return _figure(bars, measure, "Images", thresholds)


def loss(study: Study, measure: str, thresholds: dict[str, float]) -> dict[str, Any]:
    """Balanced accuracy lost by the measured value, with intervals; as `distribution`."""
    kind = "blur" if measure == "sharpness" else "contrast"
    rows = [r for r in study.tables["losses"] if r["kind"] == kind and r["split"] == "test"]
    value, low, high = ([float(row[n]) for row in rows] for n in ("loss", "loss_low", "loss_high"))
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "line": {"color": LINE},
        "x": [(float(row["low"]) + float(row["high"])) / 2 for row in rows],
        "y": value,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [end - middle for end, middle in zip(high, value, strict=True)],
            "arrayminus": [middle - end for end, middle in zip(low, value, strict=True)],
            "thickness": 1.5,
        },
        "hovertemplate": "at %{x:.3g}: %{y:.3f} lost<extra></extra>",
    }
    return _figure(points, measure, "Balanced accuracy lost", thresholds)


def _figure(
    trace: dict[str, Any], measure: str, title: str, thresholds: dict[str, float]
) -> dict[str, Any]:
    # A row above the plot for each label: they stay apart however near their lines are.
    lines = [
        {
            "type": "line", "x0": value, "x1": value,
            "yref": "paper", "y0": 0, "y1": 1 + place * LABEL_ROW,
            "line": {"color": THRESHOLD, "dash": dash, "width": 2},
            "label": {
                "text": name, "textposition": "end", "textangle": 0,
                "xanchor": "left", "yanchor": "bottom", "font": {"color": THRESHOLD, "size": 12},
            },
        }
        for place, ((name, value), dash) in enumerate(
            zip(thresholds.items(), ("solid", "dot"), strict=False)
        )
    ]  # fmt: skip
    axis = {"type": "log", "range": [0, 3.2], "dtick": 1} if measure == "sharpness" else {}
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "shapes": lines,
        "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
        "xaxis": {"title": {"text": MEASURES[measure]}, **axis},
        "yaxis": {"title": {"text": title}},
        "height": 340,
    }
    return {"data": [trace], "layout": layout}


def _thresholds(study: Study, gate: str) -> str:
    values = study.result[gate]
    return f"{values['min_laplacian']:g} and {values['min_gamma']:g}"


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
