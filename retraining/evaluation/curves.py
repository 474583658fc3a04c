"""Curves and matrices of predictions as plain numbers, thin enough to be committed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from retraining.evaluation.scores import Predictions
from retraining.metrics.metrics import Labels, Values, balanced_sample_weights, softmax

POINTS = 120  # of a curve
BINS = 15
DIGITS = 4


def curves(predictions: Predictions) -> dict[str, Any]:
    """ROC and precision-recall curves, confusion matrix and reliability.

    `roc`: {"x": false positive rate, "y": sensitivity}; `pr`: {"x": sensitivity, "y":
    precision}; both for every class that occurs against the rest and for `malignant`.
    `confusion`: images per true class (rows) and predicted class.
    `reliability`: `calibrated` and `uncalibrated` with all classes weighing the same, `natural`
    at the classes' own frequencies; bins of equal width with their mean confidence, accuracy,
    share of the weight and images.
    """
    p = predictions
    tasks = {
        code: (p.labels == i, p.probabilities[:, i])
        for i, code in enumerate(p.taxonomy.codes)
        if 0 < (p.labels == i).sum() < len(p)
    }
    if 0 < p.malignant.sum() < len(p):
        tasks["malignant"] = (p.malignant, p.p_malignant)
    even = balanced_sample_weights(p.labels, len(p.taxonomy))
    plain = np.full(len(p), 1 / len(p))
    reliability = {
        "calibrated": bins_of(p.labels, p.probabilities, even),
        "uncalibrated": bins_of(p.labels, softmax(p.logits), even),
    }
    if p.natural is not None:
        reliability["natural"] = bins_of(p.labels, p.natural, plain)
    return {
        "classes": list(p.taxonomy.codes),
        "n": len(p),
        "roc": {name: roc(*task) for name, task in tasks.items()},
        "pr": {name: precision_recall(*task) for name, task in tasks.items()},
        "confusion": confusion_matrix(
            p.labels, p.predicted, labels=range(len(p.taxonomy))
        ).tolist(),
        "reliability": reliability,
    }


def roc(positive: NDArray[np.bool_], score: Values) -> dict[str, list[float]]:
    """False positive rate `x` and sensitivity `y`, both rising from 0 to 1; at most `POINTS`.

    positive: (N,) truth; score: (N,), higher for positive.
    """
    x, y, _ = roc_curve(positive, score)
    return _thin(x, y)


def precision_recall(positive: NDArray[np.bool_], score: Values) -> dict[str, list[float]]:
    """Sensitivity `x`, rising, and precision `y`; arguments as of `roc`."""
    precision, recall, _ = precision_recall_curve(positive, score, drop_intermediate=True)
    return _thin(recall[::-1], precision[::-1])


def bins_of(labels: Labels, probabilities: Values, weights: Values) -> list[dict[str, float]]:
    """Confidence and accuracy in the `BINS` bins of equal width that hold images.

    labels: (N,); probabilities: (N, K); weights: (N,) of the images in means and shares.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for b in range(BINS):
        rows = place == b
        weight = weights[rows].sum()
        if rows.any():
            found.append(
                {
                    "confidence": round(float((weights * confidence)[rows].sum() / weight), DIGITS),
                    "accuracy": round(float((weights * correct)[rows].sum() / weight), DIGITS),
                    "share": round(float(weight / weights.sum()), DIGITS),
                    "n": int(rows.sum()),
                }
            )
    return found


def _thin(x: Values, y: Values) -> dict[str, list[float]]:
    """At most `POINTS` points, evenly spread along the curve; both ends stay."""
    if len(x) > POINTS:
        length = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
        wanted = np.linspace(0, length[-1], POINTS)
        keep = np.unique(np.searchsorted(length, wanted, side="left").clip(0, len(x) - 1))
        keep[0], keep[-1] = 0, len(x) - 1
        x, y = x[keep], y[keep]
    return {"x": np.round(x, DIGITS).tolist(), "y": np.round(y, DIGITS).tolist()}
