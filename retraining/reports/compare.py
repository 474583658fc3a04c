"""Evaluations side by side: one table, and which model is better than which."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoint.card import WEIGHTS_DIR, available
from retraining.evaluation.cost import load_cost
from retraining.evaluation.evaluation_folder import (
    EVALUATION_FILE,
    RESAMPLED,
    Evaluation,
    load_evaluation,
    load_predictions,
    load_scores,
)
from retraining.evaluation.scores import Predictions, metrics_of
from retraining.metrics.bootstrap import (
    RESAMPLES,
    Samples,
    lesion_weights,
    measured,
    pairwise,
)

# Metrics in which models are held against each other.
PAIRED = ("balanced_accuracy", "macro_auc", "malignant_auc", "accuracy")
DIGITS = 5


@dataclass(frozen=True)
class Entry:
    """One model of a comparison.

    name: unique in the comparison.
    split: that was scored; `counts`: images by split; `metrics` by split and name, `{"value",
        "low", "high"}`; `breakdown` and `curves`: as `evaluate` leaves them; `cost`: {} where it
        was not measured.
    """

    name: str
    folder: Path
    evaluation: Evaluation
    split: str
    counts: dict[str, int]
    metrics: dict[str, dict[str, dict[str, Any]]]
    breakdown: list[dict[str, Any]]
    curves: dict[str, Any]
    cost: dict[str, Any]

    @property
    def n(self) -> int:
        """Images that were scored."""
        return self.counts[self.split]

    def value(self, metric: str, split: str | None = None) -> dict[str, Any] | None:
        """A metric on a split, by default on the one that was scored; None where there is none."""
        return self.metrics.get(split or self.split, {}).get(metric)

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as in `models.json`."""
        e = self.evaluation
        return {
            "model": self.name,
            "backbone": e.backbone,
            "recipe": e.recipe,
            "form": e.form,
            "split": self.split,
            "n": self.n,
            "chosen_on": e.chosen_on,
            "split_sha256": e.split,
            "trained_on_sha256": e.trained_on,
            "weights_sha256": e.weights,
            "input_size": e.input_size,
            "temperature": e.temperature,
            "operating_point": e.operating_point,
            "ece_if_exact": e.chance_ece.get(self.split, {}),
            "classes": e.taxonomy,
            "metrics": _rounded(self.metrics),
            "cost": _rounded(self.cost),
        }


def locate_evaluation(name: str, served: Path, root: Path = WEIGHTS_DIR) -> Path:
    """The evaluation folder of a run folder or of a checkpoint's name.

    served: where `evaluate --model NAME` leaves its folders.
    Raises ValueError that names the command to run first.
    """
    for folder in (Path(name), served / name):
        if (folder / EVALUATION_FILE).is_file():
            return folder
    if Path(name).is_dir():
        command = f"python -m retraining evaluate {name}"
        raise ValueError(f"{name} was not evaluated; run `{command}` first")
    if name in available(root):
        command = f"python -m retraining evaluate --model {name} --splits SPLIT"
        raise ValueError(f"the checkpoint {name} was not evaluated; run `{command}` first")
    there = ", ".join(available(root)) or "none"
    raise ValueError(f"there is no run folder or checkpoint {name!r}; the checkpoints are: {there}")


def load_entries(
    folders: Sequence[Path], split: str = "test", *, any_split: bool = False
) -> list[Entry]:
    """The models of evaluation folders, best balanced accuracy first.

    any_split: accept models that were scored on other images, or whose training split is not
        the one that was scored; the report then says so.
    Raises ValueError where there is nothing to compare, or splits differ.
    """
    if not folders:
        raise ValueError("compare needs at least one run folder or checkpoint")
    entries: list[Entry] = []
    for folder in dict.fromkeys(folders):
        evaluation = load_evaluation(folder)
        resampled_there = (folder / f"metrics_{RESAMPLED}.json").is_file()
        scored = [split, *([RESAMPLED] if resampled_there else [])]
        rows = {name: load_scores(folder, "metrics", name) for name in scored}
        entries.append(
            Entry(
                name=_unique(evaluation.model, folder, [entry.name for entry in entries]),
                folder=folder,
                evaluation=evaluation,
                split=split,
                counts={name: int(of_split[0]["n"]) for name, of_split in rows.items()},
                metrics={
                    name: {
                        row["metric"]: {key: row[key] for key in ("value", "low", "high")}
                        for row in of_split
                    }
                    for name, of_split in rows.items()
                },
                breakdown=load_scores(folder, "breakdown", split),
                curves=load_scores(folder, "curves", split),
                cost=load_cost(folder, evaluation),
            )
        )
    if not any_split:
        _same_split(entries)
    return sorted(entries, key=lambda e: -_of(e, "balanced_accuracy"))


def caveats(entries: Sequence[Entry]) -> dict[str, str]:
    """By model: what makes its numbers not comparable with the first's; only those where."""
    found = {}
    for entry in entries:
        e = entry.evaluation
        first = entries[0].evaluation
        if not _same_images(e.split, e.judged, first.split, first.judged):
            found[entry.name] = "scored on another split than the first model"
        elif e.trained_on and not _same_images(e.split, e.judged, e.trained_on, e.kept_out):
            found[entry.name] = "trained on another split: it may have learnt some of these images"
        elif not e.trained_on:
            found[entry.name] = "its training split is not known"
    return found


def _same_images(split: str, judged: str, other: str, other_judged: str) -> bool:
    """Whether two splits keep the same images out of training, whatever else train holds."""
    return split == other or bool(judged and judged == other_judged)


def compare_pairs(entries: Sequence[Entry], resamples: int = RESAMPLES) -> list[dict[str, Any]]:
    """Every pair of models over the same resamples of lesions, for the metrics of `PAIRED`.

    Returns `{"metric", "a", "b", "difference", "low", "high", "p"}`, difference = a - b; pairs
    that were not scored on the same images are left out.
    """
    loaded = {
        entry.name: _ordered(load_predictions(entry.folder, entry.split)) for entry in entries
    }
    images: dict[str, tuple[str, ...]] = {}
    samples: dict[str, Samples] = {}
    for name, predictions in loaded.items():
        images[name] = tuple(predictions.frame.image_id)
        weights = lesion_weights(predictions.frame.lesion_id.to_numpy(object), resamples)
        samples[name] = measured(partial(_paired_metrics, predictions), weights)
    found = pairwise(samples, PAIRED)
    return [_rounded(pair) for pair in found if images[pair["a"]] == images[pair["b"]]]


def _paired_metrics(predictions: Predictions, weights: Any) -> dict[str, Any]:
    every = metrics_of(predictions, weights)
    return {name: every[name] for name in PAIRED if name in every}


def _ordered(predictions: Predictions) -> Predictions:
    order = np.argsort(predictions.frame.image_id.to_numpy(str), kind="stable")
    return predictions.take(order)


def _same_split(entries: Sequence[Entry]) -> None:
    wrong = caveats(entries)
    wrong = {name: why for name, why in wrong.items() if "not known" not in why}
    if wrong:
        name, why = next(iter(wrong.items()))
        raise ValueError(
            f"{name} cannot be compared: {why}; --any-split compares all the same and says so"
        )


def _unique(name: str, folder: Path, taken: Sequence[str]) -> str:
    if name not in taken:
        return name
    longer = f"{folder.resolve().parent.name}/{folder.name}"
    number = 2
    while longer in taken:
        longer, number = f"{name} ({number})", number + 1
    return longer


def _of(entry: Entry, metric: str) -> float:
    found = entry.value(metric)
    return -1.0 if found is None else float(found["value"])


def _rounded(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_rounded(value) for value in data]
    return round(data, DIGITS) if isinstance(data, float) else data
