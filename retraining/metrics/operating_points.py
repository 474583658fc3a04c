"""Operating points: thresholds on the malignant probability that keep what they promise.

A threshold that finds 95 % of the malignant images it was chosen on finds fewer of the next ones.
So it is chosen by a lower confidence bound, over lesions (pictures of one lesion are alike), and on
more than clean pictures of one source: degraded and turned copies and other clinics' count, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from models.registry.taxonomy import Taxonomy
from retraining.metrics.bootstrap import RESAMPLES, lesion_weights, with_intervals
from retraining.metrics.calibration import RULE, calibrate, consults
from retraining.metrics.metrics import Labels, Scores, Values, binary_metrics, divided, softmax

TARGETS = (0.95, 0.90, 0.98)  # sensitivities, the default first
CONFIDENCE = 0.95  # one-sided
FOLDS = 5
DECIMALS = 6  # of a threshold


@dataclass(frozen=True)
class Evidence:
    """Pictures that an operating point is chosen on.

    labels: (N,) positions of the true classes; logits: (N, K), before temperature.
    lesions: (N,) names; copies of a picture have its lesion's.
    clean: (N,) whether a picture is one of val as it is; the others are copies or from elsewhere.
    taxonomy: the K classes.
    """

    labels: Labels
    logits: Scores
    lesions: NDArray[Any]
    clean: NDArray[np.bool_]
    taxonomy: Taxonomy

    @property
    def malignant(self) -> NDArray[np.bool_]:
        """Whether the true class is malignant, (N,)."""
        return np.isin(self.labels, list(self.taxonomy.malignant_indices))

    def judged(self, temperature: float) -> tuple[Values, NDArray[np.bool_]]:
        """Malignant probabilities (N,), and whether a malignant class is the most probable (N,)."""
        bad = list(self.taxonomy.malignant_indices)
        probabilities = softmax(self.logits, temperature)
        return probabilities[:, bad].sum(axis=1), np.isin(probabilities.argmax(axis=1), bad)

    def take(self, rows: NDArray[np.bool_]) -> "Evidence":
        """Those of some rows."""
        return Evidence(
            self.labels[rows],
            self.logits[rows],
            self.lesions[rows],
            self.clean[rows],
            self.taxonomy,
        )


def lower_bound(found: float, lesions: int) -> float:
    """One-sided lower confidence bound of the share of lesions that are found.

    found: of `lesions`; a lesion of which half of the pictures are found counts half. Clopper &
    Pearson, Biometrika 26, 404-413 (1934).

    Examples:
        >>> round(lower_bound(59, 59), 3), lower_bound(0, 10)
        (0.95, 0.0)
    """
    if found <= 0:
        return 0.0
    return float(beta.ppf(1 - CONFIDENCE, found, lesions - found + 1))


def choose_threshold(
    p_malignant: Scores, called: NDArray[np.bool_], lesions: NDArray[Any], sensitivity: float
) -> tuple[float, float, bool]:
    """The highest threshold whose lower bound of the sensitivity reaches `sensitivity`.

    Of N malignant pictures. p_malignant: (N,); called: (N,) whether the most probable class is
    malignant; lesions: (N,).
    Returns the threshold, rounded down to `DECIMALS`, its bound, and whether so many lesions can
    support the target; where they cannot, the threshold is the highest that misses none.
    Raises ValueError without malignant pictures, or for a sensitivity that is none.

    Examples:
        >>> p_malignant, lesions = np.linspace(0.01, 1, 100), np.arange(100)
        >>> threshold, lower, supported = choose_threshold(
        ...     p_malignant, p_malignant > 0.5, lesions, sensitivity=0.9
        ... )
        >>> threshold, round(lower, 3), supported
        (0.05, 0.911, True)
    """
    if not 0 < sensitivity < 1:
        raise ValueError(f"sensitivity must be above 0 and below 1, got {sensitivity}")
    if not len(p_malignant):
        raise ValueError("an operating point needs malignant images in val, there are none")
    names, of = np.unique(np.asarray(lesions).astype(str), return_inverse=True)
    pictures = np.bincount(of)
    scale = 10.0**DECIMALS
    # The rule consults from any threshold where the most probable class is malignant.
    reached = np.floor(np.where(called, 1.0, p_malignant) * scale) / scale

    def bound(threshold: float) -> float:
        found = np.bincount(of, weights=reached >= threshold) / pictures
        return lower_bound(float(found.sum()), len(names))

    candidates = np.unique(reached)
    supported = bound(candidates[0]) >= sensitivity
    low, high = 0, len(candidates) if supported else 1
    while high - low > 1:  # the bound falls as the threshold rises
        middle = (low + high) // 2
        low, high = (middle, high) if bound(candidates[middle]) >= sensitivity else (low, middle)
    threshold = float(candidates[low])
    return threshold, bound(threshold), bool(supported)


def operating_point(evidence: Evidence, temperature: float, sensitivity: float) -> dict[str, Any]:
    """The operating point as a card holds it, chosen on `evidence`.

    `n`, `n_malignant`, `sensitivity` and `specificity` are of the clean pictures of val;
    `lesions`, `lower` and `supported` of the malignant lesions of all; `cross_fitted`: sensitivity
    and specificity on val where temperature and threshold are chosen without the lesion.
    """
    malignant, clean = evidence.malignant, evidence.clean
    p_malignant, called = evidence.judged(temperature)
    threshold, lower, supported = choose_threshold(
        p_malignant[malignant], called[malignant], evidence.lesions[malignant], sensitivity
    )
    reached = _reached(malignant[clean], consults(p_malignant, called, threshold)[clean])
    fitted = _cross_fitted(evidence, sensitivity)
    return {
        "rule": RULE,
        "threshold": threshold,
        "target_sensitivity": sensitivity,
        "split": "val",
        "n": int(clean.sum()),
        "n_malignant": int((malignant & clean).sum()),
        **reached,
        "lesions": len(np.unique(evidence.lesions[malignant].astype(str))),
        "lower": lower,
        "supported": supported,
        **({"cross_fitted": fitted} if fitted else {}),
    }


def operating_points(
    evidence: Evidence, temperature: float, targets: Sequence[float] = TARGETS
) -> list[dict[str, Any]]:
    """`operating_point` for each target, in their order; none without malignant pictures of val."""
    if not (evidence.malignant & evidence.clean).any():
        return []
    return [operating_point(evidence, temperature, target) for target in targets]


def measured_point(
    malignant: NDArray[np.bool_],
    consulted: NDArray[np.bool_],
    lesions: NDArray[Any],
    histology: NDArray[np.bool_],
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """What an operating point does to N pictures that had no part in choosing it.

    malignant: truth; consulted: what it says; histology: whether the diagnosis was proven so; (N,).
    Returns `n`, `n_malignant`, `sensitivity` and `specificity` with `_low` and `_high` (95 %,
    bootstrap over lesions; None where there are too few), and, where benign lesions were proven by
    histology, `specificity_histology` and `n_histology`.
    """

    def shares(weights: Values) -> dict[str, Values]:
        found = binary_metrics(malignant, consulted, weights)
        proven = weights[:, histology & ~malignant]
        right = proven @ (~consulted[histology & ~malignant]).astype(float)
        return {
            "sensitivity": found["sensitivity"],
            "specificity": found["specificity"],
            "specificity_histology": divided(right, proven.sum(axis=1)),
        }

    found = with_intervals(shares, lesion_weights(np.asarray(lesions, object), resamples))
    measured: dict[str, Any] = {"n": len(malignant), "n_malignant": int(malignant.sum())}
    for name in ("sensitivity", "specificity"):
        row = found.get(name, {"value": None, "low": None, "high": None})
        measured[name] = row["value"]
        measured[f"{name}_low"] = row["low"]
        measured[f"{name}_high"] = row["high"]
    if "specificity_histology" in found:
        measured["specificity_histology"] = found["specificity_histology"]["value"]
        measured["n_histology"] = int((histology & ~malignant).sum())
    return measured


def _cross_fitted(evidence: Evidence, sensitivity: float) -> dict[str, float]:
    """What the rule reaches on val, fold by fold of lesions chosen without them; {} if too few."""
    names, of = np.unique(evidence.lesions.astype(str), return_inverse=True)
    fold = np.random.default_rng(0).permutation(len(names))[of] % FOLDS
    consulted = np.zeros(len(of), bool)
    for number in range(FOLDS):
        own, rest = fold == number, evidence.take(fold != number)
        known, clean = rest.malignant, rest.clean
        if not (known & clean).any():
            return {}
        temperature = calibrate(rest.labels[clean], rest.logits[clean])
        p_malignant, called = rest.judged(temperature)
        threshold, _, _ = choose_threshold(
            p_malignant[known], called[known], rest.lesions[known], sensitivity
        )
        consulted[own] = consults(*evidence.take(own).judged(temperature), threshold)
    return _reached(evidence.malignant[evidence.clean], consulted[evidence.clean])


def _reached(malignant: NDArray[np.bool_], consulted: NDArray[np.bool_]) -> dict[str, float]:
    found = binary_metrics(malignant, consulted, np.ones((1, len(malignant))))
    return {name: float(found[name][0]) for name in ("sensitivity", "specificity")}
