"""Temperature, chosen on the validation split, and what a threshold says and reaches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from retraining.metrics.metrics import (
    Labels,
    Scores,
    Values,
    balanced_sample_weights,
    even_weights,
    probability_metrics,
    reweighted,
    softmax,
)

RULE = "p_malignant >= threshold or argmax malignant"
CURVE_POINTS = 51


def fit_temperature(labels: Labels, logits: Scores, weights: Values) -> float:
    """The temperature with the lowest weighted negative log-likelihood (Guo et al. 2017).

    labels: (N,); logits: (N, K); weights: (N,). Returns a value from e^-3 to e^3.

    Examples:
        >>> logits = np.log(np.array([[0.8, 0.2]] * 5))
        >>> round(fit_temperature(np.array([0, 0, 0, 0, 1]), 2 * logits, np.ones(5)), 3)
        2.0
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-(weights * np.log(probabilities[rows, labels] + 1e-12)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def calibrate(labels: Labels, logits: Scores) -> float:
    """The temperature for probabilities that stand for evenly frequent classes.

    labels: (N,); logits: (N, K).

    Examples:
        >>> logits = np.log(np.array([[0.8, 0.2]] * 4 + [[0.2, 0.8]] + [[0.8, 0.2]]))
        >>> round(calibrate(np.array([0, 0, 0, 0, 1, 1]), logits), 2)
        1.26
    """
    return fit_temperature(labels, logits, balanced_sample_weights(labels, logits.shape[1]))


def consults(p_malignant: Scores, called: NDArray[np.bool_], threshold: float) -> NDArray[np.bool_]:
    """What `RULE` says of each image, (N,).

    Examples:
        >>> consults(np.array([0.1, 0.3, 0.2]), np.array([False, False, True]), threshold=0.25)
        array([False,  True,  True])
    """
    return np.asarray((p_malignant >= threshold) | called)


def operating_curve(
    malignant: NDArray[np.bool_],
    p_malignant: Scores,
    called: NDArray[np.bool_],
    split: str,
    points: Sequence[float] = (),
) -> dict[str, Any]:
    """Sensitivity and specificity of `RULE` at thresholds from 0 to 1, as an evaluation holds them.

    points: thresholds that are among them, so that a curve shows there what the card says.
    Raises ValueError where no image, or every image, is malignant.
    """
    if malignant.all() or not malignant.any():
        raise ValueError("an operating curve needs malignant images and others")
    thresholds = np.unique([*np.linspace(0, 1, CURVE_POINTS).round(4), *points])
    calls = np.stack([consults(p_malignant, called, threshold) for threshold in thresholds])
    return {
        "split": split,
        "n": len(malignant),
        "threshold": thresholds.tolist(),
        "sensitivity": calls[:, malignant].mean(axis=1).round(5).tolist(),
        "specificity": (~calls[:, ~malignant]).mean(axis=1).round(5).tolist(),
    }


def chance_ece(
    probabilities: Values, frequencies: Values, draws: int = 200, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Calibration errors that these very probabilities would have if they were exactly right.

    The error of a finite set is above 0 for a perfect model too: with few images of a class that
    weighs as much as the others, far above. Labels are drawn from the probabilities, turned to
    `frequencies` (K,) of the classes, and scored.

    Returns mean and 95 % range of `ece_15` (all classes weigh the same) and `ece_15_natural`.
    """
    rng = np.random.default_rng(seed)
    natural = reweighted(probabilities, frequencies)
    edges = natural.cumsum(axis=1)
    classes = probabilities.shape[1]
    ones = np.ones((1, len(probabilities)))
    values: dict[str, list[float]] = {"ece_15": [], "ece_15_natural": []}
    for _ in range(draws):
        labels = (edges < rng.random((len(edges), 1))).sum(axis=1).clip(0, classes - 1)
        even = probability_metrics(labels, probabilities, even_weights(labels, ones, classes))
        values["ece_15"].append(float(even["ece_15"][0]))
        own = probability_metrics(labels, natural, ones)
        values["ece_15_natural"].append(float(own["ece_15"][0]))
    found = {}
    for name, drawn in values.items():
        low, high = np.percentile(drawn, [2.5, 97.5])
        found[name] = {"mean": float(np.mean(drawn)), "low": float(low), "high": float(high)}
    return found
