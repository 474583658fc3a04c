"""Fitting a checkpoint's out-of-distribution (OOD) score, and measuring what it flags."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
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
from models.export.export import GRAPH_FILE, export
from models.inference.classifier import Classifier
from models.inference.ood import fit
from quality.arrays import RGBImage
from quality.output import replacing
from retraining.data.splits import load_split
from retraining.evaluation.not_dermoscopic import not_dermoscopic_images
from retraining.metrics.bootstrap import interval, lesion_weights
from retraining.metrics.metrics import auc
from retraining.progress import NamedProgressCallback
from retraining.transforms.corruptions import VARIANTS

FALSE_POSITIVE_RATE = 0.02
"""Share of the images of val that may be flagged as OOD."""
PER_CLASS = 400
CHUNK = 32
RESAMPLES = 200  # for the intervals
REAL = "photographed or scanned"
DRAWN = "drawn by a program"
CORRUPTED = 150  # images of test that are scored under every corruption
METHOD = (
    "Mahalanobis distance of probabilistic principal components, of the channel means of feature "
    "maps half-way up the network, to the training pictures; 1 is the squared distance that 2 % "
    "of the validation pictures exceed"
)
ENSEMBLE_METHOD = "mean of the members' scores"


def fit_ood(
    name: str,
    splits: Path,
    *,
    root: Path = WEIGHTS_DIR,
    per_class: int = PER_CLASS,
    corrupted: int = CORRUPTED,
    anew: bool = True,
    progress: NamedProgressCallback | None = None,
) -> tuple[Card, ModelEvaluation]:
    """Fit the score of checkpoint `name`, choose its threshold on val and measure it.

    Fitted on at most `per_class` images of train of each class, each clean and under one of
    `retraining.transforms.corruptions.VARIANTS`, so that a poor image of skin is not flagged.
    Writes `ood.safetensors`, the card's threshold and the evaluation, and makes the export; of an
    ensemble, whose members must have been fitted, no `ood.safetensors`.

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
    if not card.members and (anew or load_ood(folder) is None):
        _fit_network(folder, parts["train"], parts["val"], per_class, progress)
    export(folder)
    classifier = Classifier(folder)
    val = _scores(classifier, _images(parts["val"]), "val", len(parts["val"]), progress)
    threshold = float(np.quantile(val, 1 - FALSE_POSITIVE_RATE))
    measured = _measured(classifier, parts, val, threshold, corrupted, progress)
    card = replace(card, ood={"threshold": threshold})
    evaluation = replace(load_evaluation(folder), ood=measured)
    write_card(folder, card, evaluation, load_provenance(folder))
    return card, evaluation


def _fit_network(
    folder: Path,
    train: pd.DataFrame,
    val: pd.DataFrame,
    per_class: int,
    progress: NamedProgressCallback | None,
) -> None:
    """Write the parameters, scaled so that `FALSE_POSITIVE_RATE` of val score above 1."""
    chosen = pd.concat(
        frame.sample(min(len(frame), per_class), random_state=0)
        for _, frame in train.groupby("dx", sort=True)
    )
    embed = _embedder(folder)
    found = np.concatenate(
        [
            embed(batch)
            for batch in _counted(
                _chunks(_with_corruptions(_images(chosen))), "train", 2 * len(chosen), progress
            )
        ]
    )
    parameters = fit(found)
    near = np.concatenate(
        [embed(batch) for batch in _counted(_chunks(_images(val)), "val", len(val), progress)]
    )
    limit = float(np.quantile(parameters.score(near), 1 - FALSE_POSITIVE_RATE))
    parameters = replace(parameters, scale=np.asarray(parameters.scale * limit, np.float32))
    with replacing(folder / OOD_FILE) as temporary:
        save_ood(temporary, parameters)


def _embedder(folder: Path) -> Callable[[Sequence[RGBImage]], NDArray[np.float32]]:
    """A function from images to embeddings (N, E), by the graph that serves, in its precision."""
    from models.runtime import ov

    card = load_card(folder)
    core = ov.Core()
    model = core.read_model(export(folder) / GRAPH_FILE)
    model = ov.Model([model.output("embedding")], model.get_parameters(), "embedding")
    precision = Classifier(folder).precision
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})

    def embed(images: Sequence[RGBImage]) -> NDArray[np.float32]:
        batch = np.stack([card.preprocessing.resize(image) for image in images])
        return np.array(compiled(batch)[0], np.float32)

    return embed


def _measured(
    classifier: Classifier,
    parts: dict[str, pd.DataFrame],
    val: NDArray[np.float64],
    threshold: float,
    corrupted: int,
    progress: NamedProgressCallback | None,
) -> dict[str, Any]:
    """`ModelEvaluation.ood`: how the score was made, and the shares of images that it flags.

    `method`; of the threshold `split`, `n`, `target_false_positive_rate`; on test
    `false_positive_rate` (`split`, `n`, `all`, `by_class`); `kinds` as `measure_kinds`;
    `corruptions` (`split`, `n`, `flagged` by corruption).
    """
    frame = parts["test"]
    test = _scores(classifier, _images(frame), "test", len(frame), progress)
    flagged = test > threshold
    some = frame.sample(min(len(frame), corrupted), random_state=0)
    under = {
        kind: _scores(classifier, map(change, _images(some)), kind, len(some), progress)
        for kind, change in VARIANTS.items()
    }
    return {
        "method": ENSEMBLE_METHOD if classifier.card.members else METHOD,
        "split": "val",
        "n": len(val),
        "target_false_positive_rate": FALSE_POSITIVE_RATE,
        "false_positive_rate": {
            "split": "test",
            "n": len(test),
            "all": float(flagged.mean()),
            "by_class": {
                str(code): float(flagged[(frame.dx == code).to_numpy()].mean())
                for code in sorted(frame.dx.unique())
            },
        },
        "kinds": measure_kinds(classifier, frame, test, threshold, progress),
        "corruptions": {
            "split": "test",
            "n": len(some),
            "flagged": {kind: float((scores > threshold).mean()) for kind, scores in under.items()},
        },
    }


def measure_kinds(
    classifier: Classifier,
    frame: pd.DataFrame,
    test: NDArray[np.float64],
    threshold: float,
    progress: NamedProgressCallback | None = None,
) -> list[dict[str, Any]]:
    """How well the score tells images that are not dermatoscopic from those of test, by kind.

    frame: test, with `lesion_id`; test: its scores (N,).
    An entry has the `kind`, how many `pictures` and `views` cut out of them, the `auroc` as
    `{"value", "low", "high"}` and the share that is `flagged`. Intervals are a 95 % bootstrap over
    the lesions of test and those pictures.
    """
    outside = list(not_dermoscopic_images())
    images = (one.image for one in outside)
    scores = _scores(classifier, images, "not dermatoscopic", len(outside), progress)
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
                "flagged": float((scores[rows] > threshold).mean()),
            }
        )
    return found


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    is_outside = np.repeat([False, True], [len(inside), len(outside)])
    return auc(is_outside, np.concatenate([inside, outside]))


def _scores(
    classifier: Classifier,
    images: Iterable[RGBImage],
    what: str,
    count: int,
    progress: NamedProgressCallback | None,
) -> NDArray[np.float64]:
    found = [
        prediction.ood_score
        for batch in _counted(_chunks(images), what, count, progress)
        for prediction in classifier.predict(batch)
    ]
    return np.array(found, np.float64)


def _images(frame: pd.DataFrame) -> Iterator[RGBImage]:
    paths = [Path(path) for path in frame.path]
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            yield from pool.map(quality.read, paths[start : start + CHUNK])


def _with_corruptions(images: Iterable[RGBImage]) -> Iterator[RGBImage]:
    """Every image clean, then under one corruption, by turns."""
    changes = list(VARIANTS.values())
    for index, image in enumerate(images):
        yield image
        yield changes[index % len(changes)](image)


def _chunks(images: Iterable[RGBImage]) -> Iterator[list[RGBImage]]:
    source = iter(images)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _counted(
    chunks: Iterable[list[RGBImage]], what: str, count: int, progress: NamedProgressCallback | None
) -> Iterator[list[RGBImage]]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if progress:
            progress(what, done, count)
