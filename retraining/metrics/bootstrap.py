"""Bootstrap over lesions: intervals of metrics, and of differences between models."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
# A thousand resamples of two thousand images are 16 MB; in parts they stay in the cache.
BLOCK = 200
LEVEL = (2.5, 97.5)  # percentiles of a 95 % interval
RESAMPLES = 1000

Metrics = Callable[[Values], Mapping[str, Values]]


def lesion_weights(lesions: NDArray[np.object_], resamples: int, seed: int = 0) -> Values:
    """How often each image is drawn when whole lesions are drawn with replacement, (R, N).

    Images of one lesion are alike, so drawing images would make intervals too narrow. The same
    lesions in another order get the same draws, so that two models can be compared on them.

    Examples:
        >>> lesions = np.array(["a", "a", "b"], dtype=object)
        >>> weights = lesion_weights(lesions, resamples=4)
        >>> weights.shape, bool((weights[:, 0] == weights[:, 1]).all())
        ((4, 3), True)
    """
    names, group = np.unique(lesions.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.asarray(drawn[:, group], np.float64)


def resampled(metrics: Metrics, weights: Values) -> dict[str, Values]:
    """`metrics` of weights (R, N), part by part; every value is (R,)."""
    parts = [metrics(weights[at : at + BLOCK]) for at in range(0, len(weights), BLOCK)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def with_intervals(metrics: Metrics, weights: Values) -> dict[str, dict[str, Any]]:
    """Every metric on the data itself with its 95 % percentile interval over `weights` (R, N).

    Returns {name: {"value", "low", "high"}}; metrics without a value are left out, and the
    interval is None where fewer than half of the resamples have a value.

    Examples:
        >>> correct = np.array([1.0, 1.0, 0.0, 1.0])
        >>> weights = lesion_weights(np.array(["a", "a", "b", "c"], dtype=object), resamples=1000)
        >>> with_intervals(lambda w: {"accuracy": w @ correct / w.sum(axis=1)}, weights)
        {'accuracy': {'value': 0.75, 'low': 0.0, 'high': 1.0}}
    """
    return intervals(measured(metrics, weights))


@dataclass(frozen=True)
class Samples:
    """Metrics by name: on the data itself, and on R resamples of its lesions, (R,) each."""

    values: dict[str, float]
    drawn: dict[str, Values]

    def __or__(self, other: "Samples") -> "Samples":
        return Samples(self.values | other.values, self.drawn | other.drawn)


def measured(metrics: Metrics, weights: Values) -> Samples:
    """Every metric on the data itself and over `weights` (R, N)."""
    values = metrics(np.ones((1, weights.shape[1])))
    return Samples({k: float(v[0]) for k, v in values.items()}, resampled(metrics, weights))


def intervals(samples: Samples) -> dict[str, dict[str, Any]]:
    """As `with_intervals`, of what was measured already."""
    found = {}
    for name, value in samples.values.items():
        if np.isfinite(value):
            low, high = interval(samples.drawn[name])
            found[name] = {"value": value, "low": low, "high": high}
    return found


def pairwise(samples: Mapping[str, Samples], metrics: Iterable[str]) -> list[dict[str, Any]]:
    """Every pair of models, by name, that were measured over the same resamples.

    Returns `{"metric", "a", "b", "difference", "low", "high", "p"}`, difference = a - b, for the
    metrics that both of a pair have; see `paired`.
    """
    return [
        {"metric": m, "a": a, "b": b, "difference": samples[a].values[m] - samples[b].values[m]}
        | paired(samples[a].drawn[m], samples[b].drawn[m])
        for a, b in combinations(samples, 2)
        for m in metrics
        if all(np.isfinite(samples[one].values.get(m, np.nan)) for one in (a, b))
    ]


def interval(samples: Values) -> tuple[float, float] | tuple[None, None]:
    """The 95 % percentile interval of samples (R,); None where most of them, or all, are nan.

    Examples:
        >>> interval(np.arange(101.0))
        (2.5, 97.5)
    """
    there = samples[np.isfinite(samples)]
    if not len(there) or 2 * len(there) < len(samples):
        return None, None
    low, high = np.percentile(there, LEVEL)
    return float(low), float(high)


def paired(first: Values, second: Values) -> dict[str, Any]:
    """Difference of a metric of two models over the same resamples, (R,) each.

    Returns the 95 % interval of first - second and `p`: twice the smaller share of resamples
    on one side of 0, the two-sided bootstrap test of no difference (Efron & Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 16).

    Examples:
        >>> round(paired(np.linspace(0.7, 0.8, 101), np.full(101, 0.7))["p"], 3)
        0.02
    """
    difference = first - second
    difference = difference[np.isfinite(difference)]
    low, high = interval(difference)
    side = min((difference <= 0).mean(), (difference >= 0).mean()) if len(difference) else 0.5
    return {"low": low, "high": high, "p": float(min(1.0, max(2 * side, 1 / len(first))))}
