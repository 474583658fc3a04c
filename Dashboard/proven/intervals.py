"""Exact intervals of a share; a web worker has no library that knows them."""

from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
_HALVINGS = 50


class Share(NamedTuple):
    """`found` of `n`, and the interval of the share that they stand for; None where n is 0."""

    found: int
    n: int
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.found / self.n if self.n else None


def share(found: int, n: int) -> Share:
    """A share with its exact two-sided interval (Clopper & Pearson, Biometrika 26, 404-413, 1934).

    Examples:
        >>> low, high = share(18, 20)[2:]
        >>> round(low, 3), round(high, 3)
        (0.683, 0.988)
        >>> share(0, 5).high == 1 - share(5, 5).low
        True
    """
    if not n:
        return Share(0, 0, None, None)
    low, high = _lower(found, n), 1 - _lower(n - found, n)
    return Share(found, n, low, high)


def _lower(found: int, n: int) -> float:
    """The share of which so many or more are found by chance as seldom as the interval allows."""
    if not found:
        return 0.0
    number = np.arange(1, n + 1)
    ways = np.cumsum(np.log((n - number + 1) / number))[found - 1 :]  # of choosing them among n
    number = number[found - 1 :]
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        p = (low + high) / 2
        chance = np.exp(ways + number * np.log(p) + (n - number) * np.log1p(-p)).sum()
        low, high = (low, p) if chance > (1 - CONFIDENCE) / 2 else (p, high)
    return (low + high) / 2
