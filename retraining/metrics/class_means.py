"""Means in which all classes weigh the same, over tables with a probability for each class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retraining.metrics.bootstrap import interval, lesion_weights

RESAMPLES = 200

Values = NDArray[np.float64]


def correct_predictions(
    table: pd.DataFrame, codes: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Labels of the rows, and whether the most probable class is theirs.

    table: with `dx` and a column for each of `codes`.
    """
    labels = np.array([list(codes).index(code) for code in table.dx], np.int64)
    return labels, table[list(codes)].to_numpy().argmax(axis=1) == labels


def balanced(labels: NDArray[np.int64], values: Values) -> float:
    """Mean over the classes of the mean value in each."""
    return float(np.mean([values[labels == c].mean() for c in np.unique(labels)]))


def balanced_or_nan(
    labels: NDArray[np.int64], correct: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> float:
    """`balanced` of the chosen; nan where there are none."""
    return balanced(labels[chosen], correct[chosen].astype(float)) if chosen.any() else float("nan")


def balanced_interval(
    labels: NDArray[np.int64], values: Values, lesions: pd.Series
) -> tuple[float | None, float | None]:
    """95 % interval of `balanced` when whole lesions are drawn with replacement."""
    weights = lesion_weights(lesions.to_numpy(object), RESAMPLES)
    of_class = []
    for c in np.unique(labels):
        mine = labels == c
        with np.errstate(invalid="ignore", divide="ignore"):
            of_class.append((weights[:, mine] @ values[mine]) / weights[:, mine].sum(axis=1))
    return interval(np.nanmean(of_class, axis=0))
