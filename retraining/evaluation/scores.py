"""All metrics of a model's predictions for one split, with intervals and breakdowns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.registry.taxonomy import Taxonomy
from retraining.evaluation import skin_tone
from retraining.metrics.bootstrap import RESAMPLES, lesion_weights, with_intervals
from retraining.metrics.calibration import consults
from retraining.metrics.metrics import (
    Labels,
    Values,
    binary_metrics,
    confusion_metrics,
    confusions,
    divided,
    even_weights,
    probability_metrics,
    ranking_metrics,
    reweighted,
    softmax,
)

Metric = dict[str, Any]

AT_THRESHOLD = "_at_threshold"
BY_CLASS = ("sensitivity", "precision", "f1")
# Upper ends of the age bands, years, exclusive; HAM10000 gives ages in steps of five.
AGE_BANDS = ((30, "under 30"), (45, "30 to 44"), (60, "45 to 59"), (75, "60 to 74"))
OLDEST = "75 and over"
UNKNOWN = "unknown"
GROUPS = ("sex", "age", "localization", skin_tone.COLUMN, "dx_type")
FEW_MALIGNANT = 30  # images; fewer make the figures of a group unsure
# What a breakdown gives of every group.
OF_GROUPS = (
    "accuracy",
    "balanced_accuracy",
    "macro_auc",
    "malignant_auc",
    "malignant_sensitivity",
    "malignant_specificity",
    f"malignant_sensitivity{AT_THRESHOLD}",
    f"malignant_specificity{AT_THRESHOLD}",
)


@dataclass(frozen=True)
class Predictions:
    """What a model predicts for N images whose classes are known.

    frame: N rows with `image_id`, `lesion_id`, `dx` and what is known of sex, age, localization,
        skin_tone and dx_type.
    logits: (N, K), before temperature.
    taxonomy: the K classes.
    temperature: logits are divided by it.
    threshold: of the operating point; None: none was chosen.
    frequencies: (K,) of the classes in the train split, to which probabilities for evenly
        frequent classes are re-weighted for the `natural` metrics.
    """

    frame: pd.DataFrame
    logits: NDArray[np.floating]
    taxonomy: Taxonomy
    temperature: float = 1.0
    threshold: float | None = None
    frequencies: Values | None = None

    def __post_init__(self) -> None:
        if self.logits.shape != (len(self.frame), len(self.taxonomy)):
            raise ValueError(
                f"logits must be {(len(self.frame), len(self.taxonomy))}, got {self.logits.shape}"
            )

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def labels(self) -> Labels:
        """Positions of the true classes, (N,)."""
        return labels_of(self.frame, self.taxonomy)

    @cached_property
    def probabilities(self) -> Values:
        """Calibrated, for evenly frequent classes, (N, K)."""
        return softmax(self.logits, self.temperature)

    @cached_property
    def predicted(self) -> Labels:
        """Positions of the most probable classes, (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def malignant_indices(self) -> list[int]:
        """Positions of the malignant classes."""
        return list(self.taxonomy.malignant_indices)

    @cached_property
    def p_malignant(self) -> Values:
        """Calibrated malignant probability, (N,)."""
        return np.asarray(self.probabilities[:, self.malignant_indices].sum(axis=1))

    @cached_property
    def malignant(self) -> NDArray[np.bool_]:
        """Whether the true class is malignant, (N,)."""
        return np.isin(self.labels, self.malignant_indices)

    @cached_property
    def called(self) -> NDArray[np.bool_]:
        """Whether the most probable class is malignant, (N,)."""
        return np.isin(self.predicted, self.malignant_indices)

    @cached_property
    def natural(self) -> Values | None:
        """The probabilities at the classes' own frequencies, (N, K)."""
        if self.frequencies is None:
            return None
        return reweighted(self.probabilities, self.frequencies)

    def weights(self, resamples: int = RESAMPLES) -> Values:
        """Resamples of whole lesions, (resamples, N)."""
        return lesion_weights(self.frame.lesion_id.to_numpy(object), resamples)

    def take(self, rows: NDArray[np.intp]) -> "Predictions":
        """Those of some rows, in their order."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return replace(self, frame=frame, logits=self.logits[rows])


def labels_of(frame: pd.DataFrame, taxonomy: Taxonomy) -> Labels:
    """Positions of the images' classes, (N,)."""
    return np.array([taxonomy.index(code) for code in frame.dx], np.int64)


def metrics_of(predictions: Predictions, weights: Values, *, even: bool = False) -> dict[str, Any]:
    """Every metric by name, each (R,), for weights (R, N) of the images.

    Classes: `accuracy`, `balanced_accuracy`, `macro_*`, `weighted_*`; one class against the
    rest: `sensitivity_CODE`, `auc_CODE` and so on. Malignant or not, where the most probable class
    decides: `malignant_*`, and at the operating point `malignant_*_at_threshold`.
    Probabilities: `ece_15`, `brier`, `log_loss`, all classes weighing the same, the same
    `_uncalibrated` (temperature 1), and `_natural`: re-weighted to the frequencies of the train
    split, every image weighing the same.

    even: all classes weigh the same everywhere, as in a set that was resampled evenly.
    """
    p, count = predictions, len(predictions.taxonomy)
    evened = even_weights(p.labels, weights, count)
    plain = weights
    weights = evened if even else weights
    found = confusion_metrics(confusions(p.labels, p.predicted, weights, count))
    by_class = {name: found.pop(name) for name in BY_CLASS}
    for i, code in enumerate(p.taxonomy.codes):
        for name in BY_CLASS:
            found[f"{name}_{code}"] = by_class[name][:, i]
        area, precision = ranking_metrics(p.labels == i, p.probabilities[:, i], weights)
        found |= {f"auc_{code}": area, f"average_precision_{code}": precision}
    areas = np.stack([found[f"auc_{code}"] for code in p.taxonomy.codes], axis=1)
    there = np.isfinite(areas)
    mean = divided(np.where(there, areas, 0).sum(axis=1), there.sum(axis=1).astype(float))
    found["macro_auc"] = mean
    if p.malignant_indices:
        area, precision = ranking_metrics(p.malignant, p.p_malignant, weights)
        found |= {"malignant_auc": area, "malignant_average_precision": precision}
        rules = {"": p.called}
        if p.threshold is not None:
            rules[AT_THRESHOLD] = consults(p.p_malignant, p.called, p.threshold)
        for suffix, calls in rules.items():
            for name, value in binary_metrics(p.malignant, calls, weights).items():
                found[f"malignant_{name}{suffix}"] = value
    found |= probability_metrics(p.labels, p.probabilities, evened)
    before = probability_metrics(p.labels, softmax(p.logits), evened)
    found |= {f"{name}_uncalibrated": value for name, value in before.items()}
    if p.natural is not None:
        own = probability_metrics(p.labels, p.natural, plain)
        found |= {f"{name}_natural": value for name, value in own.items()}
    return found


def metric_rows(
    predictions: Predictions, split: str, resamples: int = RESAMPLES, *, even: bool = False
) -> list[Metric]:
    """`metrics_of` as rows `{"metric", "split", "n", "value", "low", "high"}`, 95 % intervals."""
    found = with_intervals(
        lambda weights: metrics_of(predictions, weights, even=even), predictions.weights(resamples)
    )
    return [
        {"metric": name, "split": split, "n": len(predictions), **value}
        for name, value in sorted(found.items(), key=lambda item: _rank(item[0]))
    ]


def breakdown(
    predictions: Predictions, split: str, resamples: int = RESAMPLES
) -> list[dict[str, Any]]:
    """`OF_GROUPS` by sex, age band, body site, skin tone and way of diagnosis.

    Returns `{"by", "group", "split", "n", "lesions", "malignant", "metrics"}` per group; its
    macro means are over the classes that occur in it.
    """
    weights = predictions.weights(resamples)
    result = []
    for by, group, rows in groups_of(predictions.frame):
        members = predictions.take(rows)
        found = with_intervals(partial(_of_group, members), weights[:, rows])
        result.append(
            {
                "by": by,
                "group": group,
                "split": split,
                "n": len(members),
                "lesions": int(members.frame.lesion_id.nunique()),
                "malignant": int(members.malignant.sum()),
                "metrics": found,
            }
        )
    return result


def groups_of(frame: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Attribute, group and rows; the attributes are those of `GROUPS` that the frame has."""
    for by in GROUPS:
        if by not in frame:
            continue
        band, order = BANDED.get(by, (_named, None))
        series = pd.Series([band(value) for value in frame[by]])
        names: Sequence[str] = list(series.value_counts().index)
        if order:
            names = [name for name in order if name in set(names)]
        for name in names:
            yield by, name, np.flatnonzero((series == name).to_numpy())


def age_band(value: object) -> str:
    """The band of an age in years; an empty one is unknown.

    Examples:
        >>> age_band(45.0), age_band("")
        ('45 to 59', 'unknown')
    """
    age = pd.to_numeric(str(value), errors="coerce")
    if not np.isfinite(age):
        return UNKNOWN
    return next((name for end, name in AGE_BANDS if age < end), OLDEST)


def by_name(rows: Sequence[Metric], split: str) -> Mapping[str, Metric]:
    """The rows of one split by metric."""
    return {row["metric"]: row for row in rows if row["split"] == split}


def _of_group(predictions: Predictions, weights: Values) -> dict[str, Any]:
    every = metrics_of(predictions, weights)
    return {name: every[name] for name in OF_GROUPS if name in every}


def _named(value: object) -> str:
    return str(value).strip() or UNKNOWN


# Attributes that are numbers: the band of one, and the bands in their order.
BANDED: dict[str, tuple[Callable[[object], str], Sequence[str]]] = {
    "age": (age_band, (*(name for _, name in AGE_BANDS), OLDEST, UNKNOWN)),
    skin_tone.COLUMN: (
        skin_tone.tone_band,
        (*(name for _, name in skin_tone.BANDS), skin_tone.DARKEST, skin_tone.UNKNOWN),
    ),
}


# What people look for first comes first.
_FIRST = ("balanced_accuracy", "macro_auc", "malignant_auc", "accuracy")


def _rank(name: str) -> tuple[int, int]:
    return (_FIRST.index(name), 0) if name in _FIRST else (len(_FIRST), 0)
