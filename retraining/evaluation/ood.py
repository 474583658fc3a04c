"""Fitting a checkpoint's out-of-distribution (OOD) score, and measuring what it flags."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.checkpoint.card import (
    OOD_FILE,
    WEIGHTS_DIR,
    Card,
    load_card,
    locate,
    member_folders,
)
from models.checkpoint.card_files import write_card
from models.checkpoint.evaluation import ModelEvaluation, load_evaluation
from models.checkpoint.ood_parameters import load_ood, save_ood
from models.checkpoint.provenance import load_provenance
from models.errors import OodWidthError
from models.export.export import export
from models.inference.ood import fit
from quality.output import replacing
from retraining.data.splits import load_split
from retraining.evaluation.answers import Pictures, ServedModel, pictures_of
from retraining.evaluation.copies import variant
from retraining.evaluation.not_dermoscopic import NotDermoscopic, not_dermoscopic_images
from retraining.evaluation.something_else import fit_other, origin, something_else
from retraining.evaluation.sources import Source
from retraining.metrics.bootstrap import interval, lesion_weights
from retraining.metrics.metrics import auc
from retraining.progress import NamedProgressCallback
from retraining.transforms.corruptions import VARIANTS

FLAGGED = 0.015
"""Share of the images of val, and of a source, that may lie above the near threshold; less than
the 2 % that are promised, because others of the same source have a little more."""
FAR = 0.01
"""Share of them that may lie above the far one, where nothing at all is said of a picture."""
PER_CLASS = 200
RESAMPLES = 200  # for the intervals
REAL = "photographed or scanned"
DRAWN = "drawn by a program"
CORRUPTED = 60  # images of test that are scored under every corruption
DISTANCE = (
    "Mahalanobis distance of probabilistic principal components, of the channel means "
    "of feature maps half-way up the network, to the training pictures; 1 is the squared "
    "distance that 2 % of the validation pictures exceed"
)
METHOD = (
    f"the larger of two: {DISTANCE}; and the evidence of a logistic regression on the same means, "
    "fitted on skin against pictures of other things"
)
ENSEMBLE_METHOD = "mean of the members' scores"
OUTSIDE = "not dermatoscopic"


def fit_ood(
    name: str,
    splits: Path,
    *,
    sources: Sequence[Source] = (),
    others: Path | None = None,
    root: Path = WEIGHTS_DIR,
    cache: Path | None = None,
    per_class: int = PER_CLASS,
    corrupted: int = CORRUPTED,
    anew: bool = True,
    progress: NamedProgressCallback | None = None,
) -> tuple[Card, ModelEvaluation]:
    """Fit the score of checkpoint `name`, choose its two thresholds and measure it.

    Fitted on at most `per_class` images of train of each class, each clean and under one of
    `retraining.transforms.corruptions.VARIANTS`, so that a poor image of skin is not flagged, and
    on the sources' part `train`. The thresholds are those that at most the shares `FLAGGED` and
    `FAR` of val, and of each source's part `choose`, exceed; the part `external` is measured alone.
    Writes `ood.safetensors`, the card's thresholds and the evaluation, and makes the export; of an
    ensemble, whose members must have been fitted, no `ood.safetensors`.

    others: a folder of pictures of anything but skin, see `retraining.evaluation.something_else`.
    cache: where answers are kept, see `retraining.evaluation.answers`.
    corrupted: images of test that are scored under every corruption.
    anew: fit a score even where there is one.
    Returns the card and the evaluation. Raises ValueError where a split or a member's score lacks.
    """
    folder = locate(name, root)
    card = load_card(folder)
    parts = load_split(splits)
    lacking = [part for part in ("train", "val", "test") if part not in parts]
    if lacking:
        raise ValueError(f"{splits} has no {lacking[0]}.csv; the score needs train, val and test")
    without = [one.name for one in member_folders(folder, card) if load_ood(one) is None]
    if without:
        raise ValueError(f"fit the score of the member {without[0]} first, then of {name}")
    model = ServedModel(folder, cache, progress)
    if not card.members and (anew or load_ood(folder) is None):
        _remove_misfit(folder)
        _fit_network(model, parts["train"], parts["val"], sources, others, per_class)
    export(folder)
    known = [pictures_of("val", parts["val"]), *(one.pictures("choose") for one in sources)]
    scores = [model.scores(one) for one in known]
    ood = {
        key: float(max(np.quantile(values, 1 - share) for values in scores))
        for key, share in (("threshold", FLAGGED), ("far_threshold", FAR))
    }
    measured = _measured(model, parts, sources, ood, corrupted)
    measured |= {"split": "val", "n": len(scores[0]), "chosen_on": [one.name for one in known]}
    if others is not None:
        measured["something_else"] = _of_others(model, others, ood)
    card = replace(card, ood=ood)
    evaluation = replace(load_evaluation(folder), ood=measured)
    write_card(folder, card, evaluation, load_provenance(folder))
    return card, evaluation


def _remove_misfit(folder: Path) -> None:
    """Remove a score of other layers: with it there is no graph to ask, and a new one follows."""
    try:
        export(folder)
    except OodWidthError:
        (folder / OOD_FILE).unlink()


def _fit_network(
    model: ServedModel,
    train: pd.DataFrame,
    val: pd.DataFrame,
    sources: Sequence[Source],
    others: Path | None,
    per_class: int,
) -> None:
    """Write the parameters, scaled so that 2 % of val are at a distance above 1."""
    chosen = pd.concat(
        frame.sample(min(len(frame), per_class), random_state=0)
        for _, frame in train.groupby("dx", sort=True)
    )
    learnt = [
        pictures_of("train", chosen),
        pictures_of("train corrupted", chosen, variant),
        *(one.pictures("train") for one in sources if len(one.parts["train"])),
    ]
    skin = np.concatenate([model.outputs(one)[1] for one in learnt])
    parameters = fit(skin)
    known = [pictures_of("val", val), *(one.pictures("choose") for one in sources)]
    near = [model.outputs(one)[1] for one in known]
    limit = float(np.quantile(parameters.distance(near[0]), 0.98))
    parameters = replace(parameters, scale=np.asarray(parameters.scale * limit, np.float32))
    if others is not None:
        other = model.outputs(something_else(others, "fit"))[1]
        parameters = fit_other(parameters, skin, other, near)
    with replacing(model.folder / OOD_FILE) as temporary:
        save_ood(temporary, parameters)


def _measured(
    model: ServedModel,
    parts: Mapping[str, pd.DataFrame],
    sources: Sequence[Source],
    ood: Mapping[str, float],
    corrupted: int,
) -> dict[str, Any]:
    """`ModelEvaluation.ood`: how the score was made, and the shares of images that it flags.

    `method`; of the thresholds `target_false_positive_rate` and `target_far`; on test
    `false_positive_rate` (`split`, `n`, `all`, `by_class`); `sources` as `_of_source`, test the
    first; `kinds` as `measure_kinds`; `corruptions` (`split`, `n`, `flagged` by corruption).
    """
    frame = parts["test"]
    test = model.scores(pictures_of("test", frame))
    flagged = test > ood["threshold"]
    some = frame.sample(min(len(frame), corrupted), random_state=0)
    under = {
        kind: model.scores(
            pictures_of(f"test {kind}", some, lambda _place, change=change: change)  # type: ignore[misc]
        )
        for kind, change in VARIANTS.items()
    }
    malignant = model.card.taxonomy.malignant
    of_sources = [_of_source("test", frame, test, ood, malignant, small=False)]
    of_sources += [
        _of_source(
            one.name,
            one.parts["external"],
            model.scores(one.pictures("external")),
            ood,
            malignant,
            small=one.small,
        )
        for one in sources
    ]
    outside = list(not_dermoscopic_images())
    pictures = Pictures(
        OUTSIDE, [str(place) for place in range(len(outside))], lambda place: outside[place].image
    )
    return {
        "method": ENSEMBLE_METHOD if model.card.members else METHOD,
        "target_false_positive_rate": FLAGGED,
        "target_far": FAR,
        "false_positive_rate": {
            "split": "test",
            "n": len(test),
            "all": float(flagged.mean()),
            "by_class": {
                str(code): float(flagged[(frame.dx == code).to_numpy()].mean())
                for code in sorted(frame.dx.unique())
            },
        },
        "sources": of_sources,
        "kinds": measure_kinds(frame, test, outside, model.scores(pictures), ood),
        "corruptions": {
            "split": "test",
            "n": len(some),
            "flagged": {
                kind: float((scores > ood["threshold"]).mean()) for kind, scores in under.items()
            },
        },
    }


def _of_others(model: ServedModel, others: Path, ood: Mapping[str, float]) -> dict[str, Any]:
    """What was learnt from as something else, and the shares above the thresholds of its part
    `choose`, which had no part in the fit."""
    scores = model.scores(something_else(others, "choose"))
    return {
        "origin": origin(others),
        "n_fit": len(something_else(others, "fit")),
        "n_choose": len(scores),
        "flagged": float((scores > ood["threshold"]).mean()),
        "far": float((scores > ood["far_threshold"]).mean()),
    }


def _of_source(
    name: str,
    frame: pd.DataFrame,
    scores: NDArray[np.float64],
    ood: Mapping[str, float],
    malignant: frozenset[str],
    *,
    small: bool,
) -> dict[str, Any]:
    """Shares above the thresholds, `{"value", "low", "high"}`, with counts.

    `far_malignant` counts the malignant images above the far one, of which nothing is said.
    """
    weights = lesion_weights(frame.lesion_id.to_numpy(object), RESAMPLES)

    def share(key: str) -> dict[str, Any]:
        above = scores > ood[key]
        low, high = interval(weights @ above / weights.sum(axis=1))
        return {"value": float(above.mean()), "low": low, "high": high}

    bad = frame.dx.isin(malignant).to_numpy()
    return {
        "source": name,
        "small": small,
        "n": len(frame),
        "n_malignant": int(bad.sum()),
        "flagged": share("threshold"),
        "far": share("far_threshold"),
        "far_malignant": int((bad & (scores > ood["far_threshold"])).sum()),
    }


def measure_kinds(
    frame: pd.DataFrame,
    test: NDArray[np.float64],
    outside: Sequence[NotDermoscopic],
    scores: NDArray[np.float64],
    ood: Mapping[str, float],
) -> list[dict[str, Any]]:
    """How well the score tells images that are not dermatoscopic from those of test, by kind.

    frame: test, with `lesion_id`; test: its scores; outside: the others; scores: theirs.
    An entry has the `kind`, how many `pictures` and `views` cut out of them, the `auroc` as
    `{"value", "low", "high"}` and the shares that are `flagged`, and `far` above the far threshold.
    Intervals are a 95 % bootstrap over the lesions of test and those pictures.
    """
    kinds = np.array([one.kind for one in outside])
    real = np.array([one.real for one in outside])
    sources = np.array([one.source for one in outside], object)
    groups = {"all": np.ones(len(outside), bool), REAL: real, DRAWN: ~real}
    groups |= {kind: kinds == kind for kind in dict.fromkeys(kinds)}
    inside = lesion_weights(frame.lesion_id.to_numpy(object), RESAMPLES).astype(int)
    found = []
    for kind, rows in groups.items():
        drawn = lesion_weights(sources[rows], RESAMPLES, seed=1).astype(int)
        areas = [
            _auroc(np.repeat(test, ours), np.repeat(scores[rows], others))
            for ours, others in zip(inside, drawn, strict=True)
        ]
        low, high = interval(np.array(areas))
        found.append(
            {
                "kind": str(kind),
                "pictures": len(set(sources[rows])),
                "views": int(rows.sum()),
                "auroc": {"value": _auroc(test, scores[rows]), "low": low, "high": high},
                "flagged": float((scores[rows] > ood["threshold"]).mean()),
                "far": float((scores[rows] > ood["far_threshold"]).mean()),
            }
        )
    return found


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    is_outside = np.repeat([False, True], [len(inside), len(outside)])
    return auc(is_outside, np.concatenate([inside, outside]))
