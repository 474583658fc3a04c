"""Scores of classifiers, each a function of labels and scores, with bootstrap intervals."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import rankdata

Labels = NDArray[np.int64]
Scores = NDArray[np.floating]


def balanced_accuracy(labels: Labels, predicted: Labels, classes: int) -> float:
    """Mean sensitivity over the classes that occur in `labels`; 1 is best."""
    hit = np.bincount(labels[labels == predicted], minlength=classes)
    total = np.bincount(labels, minlength=classes)
    return float((hit[total > 0] / total[total > 0]).mean())


def auc(positive: NDArray[np.bool_], score: Scores) -> float:
    """Area under the receiver operating characteristic; nan where one side is empty.

    The share of pairs of a positive and a negative in which the positive scores higher, ties
    counted half (Hanley & McNeil, Radiology 143, 29-36, 1982).
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = rankdata(score)[positive].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def macro_auc(labels: Labels, scores: Scores) -> float:
    """Mean over the classes that occur of the one-against-rest AUC of their column.

    Columns are compared as they are given: pass probabilities, or logits, which are turned into
    probabilities first so that a column's values mean the same for every image.
    """
    probabilities = softmax(scores) if (scores < 0).any() or (scores > 1).any() else scores
    areas = [auc(labels == c, probabilities[:, c]) for c in range(scores.shape[1])]
    return float(np.nanmean(areas))


def softmax(logits: Scores, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities (N, classes) of logits (N, classes)."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def class_weights(labels: Labels, classes: int) -> NDArray[np.float64]:
    """Weight of every image so that all classes that occur weigh the same; the sum is 1."""
    total = np.bincount(labels, minlength=classes)
    weights = 1 / total[labels]
    return np.asarray(weights / weights.sum())


def expected_calibration_error(
    labels: Labels, probabilities: Scores, weights: NDArray[np.float64], bins: int = 15
) -> float:
    """Mean distance of confidence and accuracy over bins of equal width; 0 is best.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017. `weights` (N,) sum to 1.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, weights * (correct - confidence), minlength=bins)
    return float(np.abs(gap).sum())


def fit_temperature(labels: Labels, logits: Scores, weights: NDArray[np.float64]) -> float:
    """The temperature with the lowest weighted negative log-likelihood."""
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-(weights * np.log(probabilities[rows, labels] + 1e-12)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def lesion_bootstrap(
    metric: Callable[[NDArray[np.int64]], float],
    lesions: NDArray[np.object_],
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of `metric(rows)` when whole lesions are drawn with replacement.

    Images of one lesion are alike, so drawing images would make the interval too narrow.
    """
    rng = np.random.default_rng(seed)
    _, group = np.unique(lesions.astype(str), return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 2))
    members = [order[a:b] for a, b in itertools.pairwise(starts)]
    values = []
    for _ in range(resamples):
        drawn = rng.integers(0, len(members), len(members))
        values.append(metric(np.concatenate([members[i] for i in drawn])))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
