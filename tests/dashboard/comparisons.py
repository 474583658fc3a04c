"""A comparison on disk as `python -m retraining compare` leaves it, with made-up numbers."""

import json
from pathlib import Path
from typing import Any

METRICS = (
    *("macro_auc", "accuracy", "macro_precision", "macro_recall", "macro_f1"),
    *("malignant_auc", "malignant_accuracy", "malignant_precision", "malignant_sensitivity"),
    *("malignant_f1", "malignant_sensitivity_at_threshold", "malignant_specificity_at_threshold"),
    *("malignant_precision_at_threshold", "malignant_f1_at_threshold"),
    *("ece_15", "ece_15_uncalibrated", "ece_15_natural", "brier"),
)
FIGURES = ("intervals", "cost", "roc_malignant", "pr_malignant", "roc_mel", "pr_mel",
           "confusion_0", "reliability_0", "confusion_1", "reliability_1")  # fmt: skip


def write_comparison(folder: Path) -> Path:
    """`plain`, as the dashboard's tests have it, and `elsewhere`, which no server offers."""
    models = [_model("plain", 0.9), _model("elsewhere", 0.9)]
    models[0]["metrics"]["test"]["accuracy"]["value"] = 0.95
    models[0]["cost"] = {
        "parameters": 11_000_000, "gmacs": 1.8, "file_mb": 22.4, "latency_ms": 9.5,
        "images_per_second": 140.0, "training_seconds": 600.0, "training_device": "cuda: a card",
        "processor": "a processor", "precision": "bf16",
    }  # fmt: skip
    data = {
        "format": 1,
        "split": "test",
        "models": models,
        "caveats": {"elsewhere": "its training split is not known"},
        "pairs": [],
        "figures": list(FIGURES),
    }
    (folder / "models.json").write_text(json.dumps(data))
    (folder / "figures").mkdir()
    for name in FIGURES:
        trace = {"type": "scatter", "x": [0, 1], "y": [0, 1], "name": name, "showlegend": True}
        layout = {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {"title": {"text": f"x of {name}"}},
        }
        figure = {"data": [trace], "layout": layout}
        (folder / "figures" / f"{name}.json").write_text(json.dumps(figure))
    return folder


def _model(name: str, value: float) -> dict[str, Any]:
    one = {"value": value, "low": 0.88, "high": 0.92}
    return {
        "model": name,
        "split": "test",
        "n": 2004,
        "chosen_on": "val",
        "metrics": {"test": {metric: dict(one) for metric in METRICS}},
        "cost": {},
    }
