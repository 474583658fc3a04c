"""Where a map points, beside a mask of the lesion; and how alike two maps are. Needs no torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def share_inside(map: Values, mask: Mask) -> float:
    """Share of the positive attribution that lies in the mask, 0 to 1; NaN without any.

    A map of no value has the mask's share of the picture here.
    """
    positive = np.clip(map, 0, None)
    total = float(positive.sum())
    return float(positive[mask].sum()) / total if total > 0 else float("nan")


def points_inside(map: Values, mask: Mask) -> bool:
    """The pointing game: whether the largest value lies in the mask.

    Zhang et al., Top-down Neural Attention by Excitation Backprop, ECCV 2016, arXiv:1608.00507.
    Without their tolerance of 15 pixels, since lesions have no sharp border. A map of no value
    wins as often as the mask's share of the picture.
    """
    best = np.flatnonzero(map.ravel() == map.max())
    return bool(mask.ravel()[best].mean() > 0.5)


def rank_correlation(first: Values, second: Values) -> float:
    """Spearman's rank correlation of two maps of one shape, -1 to 1; NaN for a constant one."""
    a, b = (_ranks(one) for one in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else float("nan")


def _ranks(values: Values) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing their mean rank."""
    _, place, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    mean_ranks: NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return mean_ranks[place.ravel()]
