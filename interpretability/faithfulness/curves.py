"""Deletion and insertion: does the score follow the order in which a map ranks the pixels?

Petsiuk et al., RISE, BMVC 2018, arXiv:1806.07421. A map of no value orders pixels at random, so
areas are given beside that of a random map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Answers = Callable[[Pixels], NDArray[np.float64]]
STEPS = 16


@dataclass(frozen=True)
class Curve:
    """Scores along the way.

    share: (K,) of the pixels that were changed, 0 to 1. score: (K,).
    """

    share: NDArray[np.float64]
    score: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under the curve, by trapezoids: the mean score."""
        return float(np.trapezoid(self.score, self.share))


def order(map: Values) -> NDArray[np.intp]:
    """Pixel positions, flat, from the most to the least important; ties in reading order."""
    return np.argsort(-map.ravel(), kind="stable")


def mixed(
    picture: Pixels, reference: Pixels, ranking: NDArray[np.intp], steps: int = STEPS
) -> tuple[Pixels, NDArray[np.float64]]:
    """`picture` with the first 0, 1/steps, ... 1 of the ranking taken from `reference`.

    picture, reference: (S, S, 3). Returns (steps + 1, S, S, 3) and the shares (steps + 1,).
    """
    total = ranking.size
    counts = np.rint(np.linspace(0, total, steps + 1)).astype(int)
    flat = np.repeat(picture.reshape(1, total, -1), steps + 1, axis=0)
    other = reference.reshape(total, -1)
    for row, count in zip(flat, counts, strict=True):
        row[ranking[:count]] = other[ranking[:count]]
    return flat.reshape(steps + 1, *picture.shape), counts / total


def deletion(
    score: Answers, picture: Pixels, reference: Pixels, map: Values, steps: int = STEPS
) -> Curve:
    """The score while the most important pixels are replaced first; a small area is good.

    score: of pictures (N, S, S, 3). reference: what replaces them. map: (S, S).
    """
    pictures, shares = mixed(picture, reference, order(map), steps)
    return Curve(shares, score(pictures))


def insertion(
    score: Answers, picture: Pixels, reference: Pixels, map: Values, steps: int = STEPS
) -> Curve:
    """The score while the most important pixels are put into `reference`; a large area is good."""
    pictures, shares = mixed(reference, picture, order(map), steps)
    return Curve(shares, score(pictures))


def random_map(size: int, seed: int) -> NDArray[np.float32]:
    """A map that knows nothing, (size, size): smooth noise, as coarse as maps are."""
    noise = np.random.default_rng(seed).standard_normal((size, size)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), size / 16), np.float32)


def gain(area: float, random: float, best: float) -> float:
    """How far an area is on the way from the random map's (0) to the best one known (1).

    Works for deletion and insertion; NaN where the two are the same.
    """
    way = best - random
    return (area - random) / way if way else float("nan")
