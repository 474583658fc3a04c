"""Metrics of classifiers over many weightings of the images at once.

Bootstrap resamples are weightings: an image that is drawn twice weighs 2. Every function takes
`weights` (R, N), one row per weighting of the N images, and returns R values, so that a thousand
resamples cost a few matrix products. A row of ones gives the plain metric. Values agree with
scikit-learn's of the same `sample_weight`; a metric without a value there (no positive image in
a resample, say) is nan.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.floating]
Values = NDArray[np.float64]


def softmax(logits: Scores, temperature: float = 1.0) -> Values:
    """Probabilities (N, classes) of logits (N, classes).

    Examples:
        >>> softmax(np.array([[0.0, np.log(3)]])).round(2)
        array([[0.25, 0.75]])
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def balanced_sample_weights(labels: Labels, classes: int) -> Values:
    """Weight of every image so that all classes that occur weigh the same; the sum is 1.

    Examples:
        >>> balanced_sample_weights(np.array([0, 0, 1]), classes=2)
        array([0.25, 0.25, 0.5 ])
    """
    total = np.bincount(labels, minlength=classes)
    weights = 1 / total[labels]
    return np.asarray(weights / weights.sum())


def even_weights(labels: Labels, weights: Values, classes: int) -> Values:
    """`weights` (R, N), scaled so that in every row all classes that occur weigh the same.

    Examples:
        >>> even_weights(np.array([0, 0, 1]), np.ones((1, 3)), classes=2)
        array([[0.5, 0.5, 1. ]])
    """
    total = weights @ np.eye(classes)[labels]
    return np.asarray(weights * divided(1.0, total, empty=0.0)[:, labels])


def balanced_accuracy(labels: Labels, predicted: Labels, classes: int) -> float:
    """Mean sensitivity over the classes that occur in `labels`; 1 is best.

    Examples:
        >>> labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
        >>> round(balanced_accuracy(labels, predicted, classes=2), 3)
        0.833
    """
    confusion = confusions(labels, predicted, np.ones((1, len(labels))), classes)
    return float(confusion_metrics(confusion)["balanced_accuracy"][0])


def auc(positive: NDArray[np.bool_], score: Scores) -> float:
    """Area under the receiver operating characteristic; nan where one side is empty.

    Examples:
        >>> auc(np.array([True, False, True, False]), np.array([0.9, 0.4, 0.4, 0.1]))
        0.875
    """
    return float(ranking_metrics(positive, score, np.ones((1, len(positive))))[0][0])


def macro_auc(labels: Labels, scores: Scores) -> float:
    """Mean over the classes that occur of the one-against-rest AUC of their column.

    Columns are compared as they are given: pass probabilities, or logits, which are turned into
    probabilities first so that a column's values mean the same for every image.

    Examples:
        >>> macro_auc(np.array([0, 1, 1]), np.array([[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]]))
        0.5
    """
    probabilities = softmax(scores) if (scores < 0).any() or (scores > 1).any() else scores
    areas = [auc(labels == c, probabilities[:, c]) for c in range(scores.shape[1])]
    return float(np.nanmean(areas))


def ranking_metrics(
    positive: NDArray[np.bool_], score: Scores, weights: Values
) -> tuple[Values, Values]:
    """Area under the ROC curve and average precision of `score` (N,), each (R,).

    The AUC is the share of pairs of a positive and a negative in which the positive scores
    higher, ties counted half (Hanley & McNeil, Radiology 143, 29-36, 1982); the average
    precision is the mean of the precisions at every threshold, weighted by the recall gained.

    Examples:
        >>> positive, score = np.array([True, False, True]), np.array([0.9, 0.5, 0.2])
        >>> area, precision = ranking_metrics(positive, score, np.ones((1, 3)))
        >>> area, precision.round(3)
        (array([0.5]), array([0.833]))
    """
    order = np.argsort(-score, kind="stable")
    sorted_score, is_positive = score[order], positive[order]
    ordered = weights[:, order]
    true_positive = ordered * is_positive
    misses = ordered - true_positive
    starts = np.flatnonzero(np.r_[True, sorted_score[1:] != sorted_score[:-1]])
    if len(starts) < len(score):
        true_positive = np.add.reduceat(true_positive, starts, axis=1)
        misses = np.add.reduceat(misses, starts, axis=1)
    found, false = true_positive.cumsum(axis=1), misses.cumsum(axis=1)
    positives, negatives = found[:, -1], false[:, -1]
    below = (true_positive * (negatives[:, None] - false + misses / 2)).sum(axis=1)
    area = divided(below, positives * negatives)
    precision = divided(found, found + false, empty=0.0)
    average = divided((true_positive * precision).sum(axis=1), positives)
    return area, average


def confusions(labels: Labels, predicted: Labels, weights: Values, classes: int) -> Values:
    """Weight of every pair of a true class (rows) and a predicted one: (R, classes, classes)."""
    pairs = np.eye(classes * classes)[labels * classes + predicted]
    return np.asarray((weights @ pairs).reshape(len(weights), classes, classes))


def confusion_metrics(confusion: Values) -> dict[str, Values]:
    """Metrics of confusion matrices (R, K, K).

    `sensitivity`, `precision` and `f1` are (R, K), by class; the others (R,). Macro means are
    over the classes that occur or are predicted, the balanced accuracy is over those that
    occur. A class that is never predicted has precision 0.
    """
    true_positive = np.einsum("rkk->rk", confusion)
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    total = true.sum(axis=1)
    sensitivity = divided(true_positive, true)
    by_class = {
        "sensitivity": sensitivity,
        "precision": np.where(true + called > 0, divided(true_positive, called, empty=0.0), np.nan),
        "f1": divided(2 * true_positive, true + called),
    }
    values = {
        "accuracy": divided(true_positive.sum(axis=1), total),
        "balanced_accuracy": _mean(sensitivity, true > 0),
    }
    for name, of_class in (("precision", "precision"), ("recall", "sensitivity"), ("f1", "f1")):
        each = np.nan_to_num(by_class[of_class])
        values[f"macro_{name}"] = _mean(each, true + called > 0)
        values[f"weighted_{name}"] = divided((each * true).sum(axis=1), total)
    return values | by_class


def binary_metrics(
    positive: NDArray[np.bool_], called: NDArray[np.bool_], weights: Values
) -> dict[str, Values]:
    """Accuracy, precision, sensitivity (recall), specificity and F1 of yes-or-no calls, (R,).

    Examples:
        >>> positive, called = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
        >>> found = binary_metrics(positive, called, np.ones((1, 4)))
        >>> {name: float(value[0]) for name, value in found.items() if name != "f1"}
        {'accuracy': 0.75, 'precision': 1.0, 'sensitivity': 0.5, 'specificity': 1.0}
    """
    matrix = confusions(positive.astype(np.int64), called.astype(np.int64), weights, 2)
    (true_negative, false_positive), (false_negative, true_positive) = matrix.transpose(1, 2, 0)
    return {
        "accuracy": divided(true_positive + true_negative, matrix.sum(axis=(1, 2))),
        "precision": divided(true_positive, true_positive + false_positive, empty=0.0),
        "sensitivity": divided(true_positive, true_positive + false_negative),
        "specificity": divided(true_negative, true_negative + false_positive),
        "f1": divided(2 * true_positive, 2 * true_positive + false_positive + false_negative),
    }


def probability_metrics(
    labels: Labels, probabilities: Scores, weights: Values, bins: int = 15
) -> dict[str, Values]:
    """How far probabilities (N, K) are from the truth, (R,) each; 0 is best.

    `ece_15`: expected calibration error, the mean distance of confidence and accuracy over bins
    of equal width (Guo et al., On Calibration of Modern Neural Networks, ICML 2017), named after
    the number of bins; `brier`: squared distance of the probabilities from the truth, summed
    over the classes (Brier, Monthly Weather Review 78, 1950: 0 to 2); `log_loss`: natural
    logarithm.

    Examples:
        >>> probabilities = np.array([[0.8, 0.2], [0.8, 0.2]])
        >>> found = probability_metrics(np.array([0, 1]), probabilities, np.ones((1, 2)))
        >>> {name: round(float(value[0]), 3) for name, value in found.items()}
        {'ece_15': 0.3, 'brier': 0.68, 'log_loss': 0.916}
    """
    rows = np.arange(len(labels))
    confidence = probabilities.max(axis=1)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    squared = ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1)
    true = np.clip(probabilities[rows, labels], np.finfo(np.float64).eps, 1)
    columns = np.column_stack([np.eye(bins)[place] * gap[:, None], squared, -np.log(true)])
    sums = divided(weights @ columns, weights.sum(axis=1, keepdims=True))
    return {
        f"ece_{bins}": np.abs(sums[:, :bins]).sum(axis=1),
        "brier": sums[:, bins],
        "log_loss": sums[:, bins + 1],
    }


def reweighted(probabilities: Scores, frequencies: Sequence[float] | Values) -> Values:
    """Probabilities (N, K) for evenly frequent classes, turned to classes of `frequencies`.

    Examples:
        >>> reweighted(np.array([[0.5, 0.5]]), [0.9, 0.1])
        array([[0.9, 0.1]])
    """
    scaled = np.asarray(probabilities, np.float64) * np.asarray(frequencies, np.float64)
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def divided(top: Values | float, bottom: Values, empty: float = np.nan) -> Values:
    """`top / bottom`, and `empty` where `bottom` is 0.

    Examples:
        >>> divided(np.array([1.0, 1.0]), np.array([2.0, 0.0]), empty=0.0)
        array([0.5, 0. ])
    """
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    return np.asarray(np.divide(top, bottom, out=np.full(shape, empty), where=bottom != 0))


def _mean(values: Values, where: NDArray[np.bool_]) -> Values:
    return divided(np.where(where, values, 0).sum(axis=1), where.sum(axis=1).astype(float))
