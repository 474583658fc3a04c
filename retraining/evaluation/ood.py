"""Fitting a checkpoint's out-of-distribution score, and measuring it on what it has to reject."""

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
from models.checkpoint.ood_parameters import load_ood, save_ood
from models.export.export import GRAPH_FILE, export
from models.inference.classifier import Classifier
from models.inference.ood import fit
from quality.output import replacing
from retraining.data.splits import load_split
from retraining.evaluation.not_dermoscopic import foreign_pictures
from retraining.metrics.bootstrap import interval, lesion_weights
from retraining.metrics.metrics import auc
from retraining.publishing.card_files import write_card
from retraining.transforms.corruptions import VARIANTS

FALSE_ALARMS = 0.02
"""Share of the val pictures that may be taken for something else."""
PER_CLASS = 400
CHUNK = 32
RESAMPLES = 200  # for the intervals
REAL = "photographed or scanned"
DRAWN = "drawn by a program"
VARIED = 150  # test pictures of which every variant is scored
METHOD = (
    "Mahalanobis distance of probabilistic principal components, of the channel means of feature "
    "maps half-way up the network, to the training pictures; 1 is the squared distance that 2 % "
    "of the validation pictures exceed"
)
ENSEMBLE_METHOD = "mean of the members' scores"

Picture = NDArray[np.uint8]
Report = Callable[[str, int, int], None]


def fit_ood(
    name: str,
    splits: Path,
    *,
    root: Path = WEIGHTS_DIR,
    per_class: int = PER_CLASS,
    varied: int = VARIED,
    anew: bool = True,
    report: Report | None = None,
) -> Card:
    """Fit the score of checkpoint `name`, choose its threshold on val and measure it.

    Fitted on at most `per_class` train pictures of each class, each as it is and in one of
    `degrade.VARIANTS`, so that a poor picture of skin is not taken for something else. Writes
    `ood.safetensors` and the card's `ood` and makes the export; of an ensemble, whose members must
    have been fitted, only the card's. Returns the card.
    """
    folder = locate(name, root)
    card = load_card(folder)
    parts = load_split(splits)
    lacking = [part for part in ("train", "val", "test") if part not in parts]
    if lacking:
        raise ValueError(f"{splits} has no part {lacking[0]}; the score needs train, val and test")
    without = [one.name for one in member_folders(folder, card) if load_ood(one) is None]
    if without:
        raise ValueError(f"fit the score of the member {without[0]} first, then of {name}")
    if not card.members and (anew or load_ood(folder) is None):
        _fit_network(folder, parts["train"], parts["val"], per_class, report)
    export(folder)
    classifier = Classifier(folder)
    val = _scores(classifier, _pictures(parts["val"]), "val", len(parts["val"]), report)
    threshold = float(np.quantile(val, 1 - FALSE_ALARMS))
    card = replace(card, ood=_measured(classifier, parts, val, threshold, varied, report))
    write_card(folder, card)
    return card


def _fit_network(
    folder: Path, train: pd.DataFrame, val: pd.DataFrame, per_class: int, report: Report | None
) -> None:
    """Write the parameters, scaled so that `FALSE_ALARMS` of val score above 1."""
    chosen = pd.concat(
        frame.sample(min(len(frame), per_class), random_state=0)
        for _, frame in train.groupby("dx", sort=True)
    )
    embed = _embedder(folder)
    found = np.concatenate(
        [
            embed(batch)
            for batch in _counted(
                _chunks(_with_variants(_pictures(chosen))), "train", 2 * len(chosen), report
            )
        ]
    )
    parameters = fit(found)
    near = np.concatenate(
        [embed(batch) for batch in _counted(_chunks(_pictures(val)), "val", len(val), report)]
    )
    limit = float(np.quantile(parameters.score(near), 1 - FALSE_ALARMS))
    parameters = replace(parameters, scale=np.asarray(parameters.scale * limit, np.float32))
    with replacing(folder / OOD_FILE) as temporary:
        save_ood(temporary, parameters)


def _embedder(folder: Path) -> Callable[[Sequence[Picture]], NDArray[np.float32]]:
    """A function from pictures to embeddings (N, E), by the graph that serves, in its precision."""
    from models.export.runtime import ov

    card = load_card(folder)
    core = ov.Core()
    model = core.read_model(export(folder) / GRAPH_FILE)
    model = ov.Model([model.output("embedding")], model.get_parameters(), "embedding")
    precision = Classifier(folder).precision
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})

    def embed(pictures: Sequence[Picture]) -> NDArray[np.float32]:
        batch = np.stack([card.preprocessing.resize(picture) for picture in pictures])
        return np.array(compiled(batch)[0], np.float32)

    return embed


def _measured(
    classifier: Classifier,
    parts: dict[str, pd.DataFrame],
    val: NDArray[np.float64],
    threshold: float,
    varied: int,
    report: Report | None,
) -> dict[str, Any]:
    """The card's entry: how it works, the threshold, and what it does on pictures of each kind."""
    frame = parts["test"]
    test = _scores(classifier, _pictures(frame), "test", len(frame), report)
    alarms = test > threshold
    rejected = rejected_by_kind(classifier, frame, test, threshold, report)
    some = frame.sample(min(len(frame), varied), random_state=0)
    variants = {
        kind: _scores(classifier, map(change, _pictures(some)), kind, len(some), report)
        for kind, change in VARIANTS.items()
    }
    return {
        "method": ENSEMBLE_METHOD if classifier.card.members else METHOD,
        "threshold": threshold,
        "split": "val",
        "n": len(val),
        "target_false_alarms": FALSE_ALARMS,
        "false_alarms": {
            "split": "test",
            "n": len(test),
            "all": float(alarms.mean()),
            **{
                str(code): float(alarms[(frame.dx == code).to_numpy()].mean())
                for code in sorted(frame.dx.unique())
            },
        },
        **rejected,
        "rejected_variants_of_test": {
            "n": len(some),
            **{kind: float((scores > threshold).mean()) for kind, scores in variants.items()},
        },
    }


def rejected_by_kind(
    classifier: Classifier,
    frame: pd.DataFrame,
    test: NDArray[np.float64],
    threshold: float,
    report: Report | None,
) -> dict[str, Any]:
    """What the score does on pictures that are not dermatoscopic, by kind.

    `pictures` are counted before views of them were cut out; intervals are over test lesions and
    such pictures, drawn with replacement.
    """
    foreign = list(foreign_pictures())
    scores = _scores(classifier, (one.picture for one in foreign), "foreign", len(foreign), report)
    kinds = np.array([one.kind for one in foreign])
    real = np.array([one.real for one in foreign])
    sources = np.array([one.source for one in foreign], object)
    lesions = frame.lesion_id.to_numpy(object)
    groups = {"all": np.ones(len(foreign), bool), REAL: real, DRAWN: ~real}
    groups |= {kind: kinds == kind for kind in dict.fromkeys(kinds)}
    found: dict[str, Any] = {
        "pictures": {kind: len(set(sources[rows])) for kind, rows in groups.items()},
        "views": {kind: int(rows.sum()) for kind, rows in groups.items()},
        "auroc": {kind: _auroc(test, scores[rows]) for kind, rows in groups.items()},
        "auroc_interval": {},
        "rejected": {
            kind: float((scores[rows] > threshold).mean()) for kind, rows in groups.items()
        },
    }
    inside = lesion_weights(lesions, RESAMPLES).astype(int)
    for kind, rows in groups.items():
        outside = lesion_weights(sources[rows], RESAMPLES, seed=1).astype(int)
        areas = [
            _auroc(np.repeat(test, drawn), np.repeat(scores[rows], others))
            for drawn, others in zip(inside, outside, strict=True)
        ]
        found["auroc_interval"][kind] = interval(np.array(areas))
    return found


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    foreign = np.repeat([False, True], [len(inside), len(outside)])
    return auc(foreign, np.concatenate([inside, outside]))


def _scores(
    classifier: Classifier,
    pictures: Iterable[Picture],
    what: str,
    count: int,
    report: Report | None,
) -> NDArray[np.float64]:
    found = [
        prediction.ood_score
        for batch in _counted(_chunks(pictures), what, count, report)
        for prediction in classifier.predict(batch)
    ]
    return np.array(found, np.float64)


def _pictures(frame: pd.DataFrame) -> Iterator[Picture]:
    paths = [Path(path) for path in frame.path]
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            yield from pool.map(quality.read, paths[start : start + CHUNK])


def _with_variants(pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Every picture as it is and in one variant, by turns."""
    changes = list(VARIANTS.values())
    for index, picture in enumerate(pictures):
        yield picture
        yield changes[index % len(changes)](picture)


def _chunks(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    source = iter(pictures)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _counted(
    chunks: Iterable[list[Picture]], what: str, count: int, report: Report | None
) -> Iterator[list[Picture]]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if report:
            report(what, done, count)
