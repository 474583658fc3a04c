"""How well a checkpoint does: `evaluation.json`, all that was measured of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.checkpoint.json_files import check_keys, read_object

EVALUATION_FILE = "evaluation.json"
# What card.json repeats of the metrics on test.
HEADLINES = (
    "balanced_accuracy",
    "macro_auc",
    "macro_f1",
    "accuracy",
    "malignant_auc",
    "malignant_sensitivity_at_threshold",
    "malignant_specificity_at_threshold",
    "ece_15",
)


@dataclass(frozen=True)
class ModelEvaluation:
    """What was measured of a checkpoint, and what follows for its use.

    intended_use, limits: sentences for people.
    metrics: one entry per metric: `{"metric", "split", "n", "value", "low", "high"}`; the interval
        is a 95 % bootstrap over lesions.
    calibration: how the temperature was chosen (`method`, `split`, `prior`), in which `form` the
        network was measured, and errors of the probabilities on `test`, beside those that exact
        probabilities would have there (`test_if_exact`).
    operating_curve: sensitivity and specificity at about fifty rising thresholds on the malignant
        probability: `{"split", "n", "threshold", "sensitivity", "specificity"}`; None: not
        measured.
    predictive_values: at stated prevalences, `{"rule", "split", "prevalence", "positive",
        "negative"}`, each `{"value", "low", "high"}`.
    breakdowns: metrics by sex, age, body site, skin tone and way of diagnosis: `{"by", "group",
        "split", "n", "lesions", "malignant", "metrics"}`.
    ood: how the out-of-distribution score was made and what it flags, see
        `retraining.evaluation.ood`; None: the checkpoint has no such score.
    sources: what the operating points do to pictures of other clinics that had no part in any
        choice: `{"source", "small", "n", "n_malignant", "malignant_auc", "points"}`, see
        `retraining.publishing.points`.
    """

    intended_use: str = ""
    limits: list[str] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)
    operating_curve: dict[str, Any] | None = None
    predictive_values: list[dict[str, Any]] = field(default_factory=list)
    breakdowns: list[dict[str, Any]] = field(default_factory=list)
    ood: dict[str, Any] | None = None
    sources: list[dict[str, Any]] = field(default_factory=list)

    def on(self, split: str = "test") -> dict[str, dict[str, Any]]:
        """The metrics on a split, by name.

        >>> row = {"metric": "accuracy", "split": "test", "n": 200, "value": 0.8}
        >>> ModelEvaluation(metrics=[row]).on("test")["accuracy"]["value"]
        0.8
        """
        return {row["metric"]: row for row in self.metrics if row.get("split") == split}

    def headlines(self) -> list[dict[str, Any]]:
        """The metrics on test that a card repeats, in the order of `HEADLINES`."""
        test = self.on("test")
        return [test[name] for name in HEADLINES if name in test]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelEvaluation":
        """Inverse of `to_dict`; CheckpointError for unknown keys."""
        check_keys(data, cls, EVALUATION_FILE)
        return cls(**data)


def load_evaluation(folder: Path) -> ModelEvaluation:
    """Read `evaluation.json`; of a checkpoint without one, nothing was measured.

    Raises CheckpointError where the file is not understood.

    >>> from models.checkpoint.card import locate
    >>> evaluation = load_evaluation(locate("resnext50_32x4d"))
    >>> sorted({metric["split"] for metric in evaluation.metrics})
    ['test', 'val', 'val_resampled']
    """
    path = Path(folder) / EVALUATION_FILE
    return ModelEvaluation.from_dict(read_object(path)) if path.exists() else ModelEvaluation()
