"""Evaluation of a run: predictions per image, metrics with intervals, temperature, card."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from models.backbones import build_network, get_backbone
from models.checkpoints import file_sha256
from models.taxonomy import HAM10000
from retraining.config import TrainConfig, load_config
from retraining.data import pixels
from retraining.files import write_text
from retraining.metrics import (
    auc,
    balanced_accuracy,
    class_weights,
    expected_calibration_error,
    fit_temperature,
    lesion_bootstrap,
    macro_auc,
    softmax,
)
from retraining.runs import BEST_FILE, CONFIG_FILE
from retraining.splits import load_split
from retraining.tensors import has_bf16, predict_logits

# Networks trained on random zooms often do best at a size above the training size (Touvron et
# al., Fixing the train-test resolution discrepancy, NeurIPS 2019); val chooses among these.
SIZE_FACTORS = (1.0, 1.15, 1.3, 1.45)
CALIBRATION_FILE = "calibration.json"

Metric = dict[str, Any]


def evaluate_run(
    run: Path, part: str, cache: Path, size: int | None = None, resamples: int = 1000
) -> list[Metric]:
    """Score the kept weights of `run` on a part of its split.

    Input size and temperature are chosen on val, never on the part that is scored. Writes
    `calibration.json`, `predictions_<part>.csv` and `metrics_<part>.json` to the run and returns
    the metrics, each with its split, n and 95 % interval over lesions.
    """
    if not (run / BEST_FILE).is_file():
        raise ValueError(
            f"{run} holds no finished epoch; train it with `python -m retraining train`"
        )
    config = load_config(run / CONFIG_FILE)
    parts = load_split(Path(config.splits))
    if part not in parts:
        raise ValueError(f"split must be one of {', '.join(parts)}, got {part!r}")
    network = build_network(config.backbone, len(HAM10000))
    network.load_state_dict(torch.load(run / BEST_FILE, map_location="cpu", weights_only=True))
    network = network.to(memory_format=torch.channels_last)

    def logits_of(frame: pd.DataFrame, side: int) -> NDArray[np.float32]:
        pictures = pixels(frame, Path(), side, cache)
        preprocessing = get_backbone(config.backbone).preprocessing(side)
        return predict_logits(network, pictures, preprocessing, bf16=has_bf16())

    calibration = _calibration(run, size)
    if calibration is None:
        calibration = {
            **calibrate(config, parts["val"], logits_of, size),
            "weights_sha256": file_sha256(run / BEST_FILE),
        }
        # Scores of other weights, or at another size, must not stand beside it.
        for stale in (*run.glob("metrics_*.json"), *run.glob("predictions_*.csv")):
            stale.unlink()
        write_text(run / CALIBRATION_FILE, json.dumps(calibration, indent=2) + "\n")
    frame = parts[part]
    logits = logits_of(frame, calibration["input_size"])
    probabilities = softmax(logits, calibration["temperature"])
    _write_predictions(run / f"predictions_{part}.csv", frame, probabilities)
    metrics = score(
        labels_of(frame), probabilities, frame.lesion_id.to_numpy(object), part, resamples
    )
    write_text(run / f"metrics_{part}.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def _calibration(run: Path, size: int | None) -> dict[str, Any] | None:
    """What was chosen on val for the weights that are kept now; None where nothing was."""
    path = run / CALIBRATION_FILE
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    same_weights = found.get("weights_sha256") == file_sha256(run / BEST_FILE)
    return found if same_weights and size in (None, found["input_size"]) else None


def calibrate(
    config: TrainConfig,
    val: pd.DataFrame,
    logits_of: Callable[[pd.DataFrame, int], NDArray[np.float32]],
    size: int | None = None,
) -> dict[str, Any]:
    """Input size with the highest macro AUC on val (or `size`), and the temperature there.

    The temperature minimises the log loss with all classes weighing the same, because the
    probabilities stand for evenly frequent classes.
    """
    trained = config.stages[-1].size
    sizes = [size] if size else [round(trained * factor / 16) * 16 for factor in SIZE_FACTORS]
    labels = labels_of(val)
    tried = {side: logits_of(val, side) for side in sizes}
    areas = {side: macro_auc(labels, logits) for side, logits in tried.items()}
    best = max(areas, key=areas.__getitem__)
    weights = class_weights(labels, len(HAM10000))
    temperature = fit_temperature(labels, tried[best], weights)
    return {
        "split": "val",
        "n": len(val),
        "input_size": best,
        "val_macro_auc_by_size": areas,
        "temperature": temperature,
        "ece": expected_calibration_error(labels, softmax(tried[best], temperature), weights),
    }


def labels_of(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Positions of the images' classes, (N,)."""
    return np.array([HAM10000.index(code) for code in frame.dx], np.int64)


def score(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    lesions: NDArray[np.object_],
    part: str,
    resamples: int = 1000,
) -> list[Metric]:
    """Metrics of probabilities (N, 7), each with a 95 % interval over lesions."""
    count = len(HAM10000)
    predicted = probabilities.argmax(axis=1)
    bad = list(HAM10000.malignant_indices)
    malignant = np.isin(labels, bad)
    p_malignant = probabilities[:, bad].sum(axis=1)
    called = np.isin(predicted, bad)
    functions: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "balanced_accuracy": lambda r: balanced_accuracy(labels[r], predicted[r], count),
        "macro_auc": lambda r: macro_auc(labels[r], probabilities[r]),
        "malignant_auc": lambda r: auc(malignant[r], p_malignant[r]),
        "malignant_sensitivity": lambda r: float(called[r][malignant[r]].mean()),
        "malignant_specificity": lambda r: float((~called[r][~malignant[r]]).mean()),
        "accuracy": lambda r: float((labels[r] == predicted[r]).mean()),
        "ece_15": lambda r: expected_calibration_error(
            labels[r], probabilities[r], class_weights(labels[r], count)
        ),
    }
    for i, code in enumerate(HAM10000.codes):
        functions[f"sensitivity_{code}"] = partial(_sensitivity, labels, predicted, i)
        functions[f"auc_{code}"] = partial(_class_auc, labels, probabilities, i)
    everything = np.arange(len(labels))
    rows = []
    for name, function in functions.items():
        low, high = lesion_bootstrap(function, lesions, resamples)
        rows.append(
            {
                "metric": name,
                "split": part,
                "n": len(labels),
                "value": function(everything),
                "low": low,
                "high": high,
            }
        )
    return rows


def _sensitivity(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], i: int, rows: NDArray[np.int64]
) -> float:
    hit = predicted[rows][labels[rows] == i] == i
    return float(hit.mean()) if len(hit) else float("nan")


def _class_auc(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    i: int,
    rows: NDArray[np.int64],
) -> float:
    return auc(labels[rows] == i, probabilities[rows, i])


def _write_predictions(path: Path, frame: pd.DataFrame, probabilities: NDArray[np.float64]) -> None:
    table = frame[["image_id", "lesion_id", "dx"]].copy()
    table["prediction"] = [HAM10000.codes[i] for i in probabilities.argmax(axis=1)]
    for i, code in enumerate(HAM10000.codes):
        table[code] = probabilities[:, i]
    table["p_malignant"] = probabilities[:, list(HAM10000.malignant_indices)].sum(axis=1)
    write_text(path, table.to_csv(index=False, float_format="%.6f"))
