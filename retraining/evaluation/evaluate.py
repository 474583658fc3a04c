"""Evaluation of runs and of served checkpoints; every choice is made on val alone.

A split is one of `train`, `val` and `test`; `splits` is the folder that holds their files.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR, file_sha256, locate
from models.checkpoint.provenance import Provenance, load_provenance
from models.registry.backbones import get_backbone
from retraining.data.index import pixels
from retraining.data.splits import judged_hash, load_split, split_hash
from retraining.evaluation.evaluation_folder import (
    EVALUATION_FILE,
    Evaluation,
    forget,
    frequencies_of,
    load_evaluation,
    load_predictions,
    write_scores,
)
from retraining.evaluation.input_size import Logits, choose_size
from retraining.evaluation.scores import Metric, Predictions
from retraining.metrics.bootstrap import RESAMPLES
from retraining.metrics.calibration import calibrate
from retraining.metrics.operating_points import TARGETS, Evidence, operating_point
from retraining.progress import ProgressCallback
from retraining.training.config import TrainConfig
from retraining.training.run_folder import (
    BEST_FILE,
    SPLIT_FILE,
    kept_size,
    load_trained,
    read_log,
    read_run,
)

if TYPE_CHECKING:
    from models.checkpoint.card import Card
    from models.inference.classifier import Classifier

CHUNK = 32  # images that are decoded together

Frames = Mapping[str, pd.DataFrame]


def evaluate_run(
    run: Path,
    split: str,
    cache: Path,
    size: int | None = None,
    resamples: int = RESAMPLES,
    sensitivity: float = TARGETS[0],
    splits: Path | None = None,
) -> list[Metric]:
    """Score the kept weights of `run` on a split, and on val, which chooses.

    Input size, temperature and operating point are chosen on val, never on the split that is
    scored. Leaves an evaluation (see `retraining.evaluation.evaluation_folder`) in the run folder
    and returns the metrics of `split`, each with its n and 95 % interval over lesions.

    cache: for decoded images; size: of the input, pixels, instead of the one that val chooses.
    splits: where the splits lie now, or others with the same val and test, whose train says how
        frequent the classes are; default: where they lay when the run was trained.
    Raises ValueError where the run has no finished epoch, the split is unknown, or val and test are
    not those that were kept from its training.
    """
    network, config, taxonomy = load_trained(run)
    frames = _frames(splits or Path(config.splits), split)
    split_sha256 = split_hash(frames)
    trained_on, kept_out = _recorded_hashes(run / SPLIT_FILE)
    if trained_on and trained_on != split_sha256 and kept_out != judged_hash(frames):
        raise ValueError(
            f"{splits or config.splits} is not the split that {run} was trained on: its test split "
            "may hold images that the run has learnt"
        )
    weights = file_sha256(run / BEST_FILE)

    def at(side: int) -> Logits:
        return lambda frame: _network_logits(network, config, frame, side, cache)

    known = _known(run, weights, frames, size)
    if known is None:
        forget(run)
        trained = kept_size(config, read_log(run))
        side, logits = choose_size(trained, frames["val"], taxonomy, at, size)
        known = _chosen(
            Evaluation(
                model=run.name,
                backbone=config.backbone,
                recipe=recipe_of(run, config),
                form="trained",
                input_size=side,
                temperature=1.0,
                operating_point=None,
                chosen_on="val",
                split=split_sha256,
                trained_on=trained_on,
                weights=weights,
                taxonomy=taxonomy.to_dict(),
                frequencies=frequencies_of(frames["train"], taxonomy),
                judged=judged_hash(frames),
                kept_out=kept_out,
            ),
            frames["val"],
            logits,
            sensitivity,
        )
        found = write_scores(run, known, "val", frames["val"], logits, resamples)
        if split == "val":
            return found
    return _score(run, known, split, frames[split], at(known.input_size), resamples)


def evaluate_model(
    name: str,
    splits: Path,
    split: str,
    out: Path,
    *,
    root: Path = WEIGHTS_DIR,
    tta: bool = False,
    resamples: int = RESAMPLES,
    progress: ProgressCallback | None = None,
) -> list[Metric]:
    """Score a checkpoint as it is served, with the temperature and operating point of its card.

    Makes the export where it is not there. tta: with test-time augmentation.
    Where the card has no operating point and there is a val split, it is chosen there.
    Writes an evaluation to `out` and returns the metrics of `split`. Raises what
    `models.inference.classifier.Classifier` raises, and ValueError for an unknown split.
    """
    from models.export.export import export
    from models.inference.classifier import Classifier

    frames = _frames(splits, split)
    export(name, root=root)
    classifier = Classifier(name, root=root, tta=tta)
    card = classifier.card
    known = _known(out, card.weights_sha256, frames, card.preprocessing.input_size)
    now = _of_card(name, root, classifier, frames)
    same = known is not None and all(
        getattr(known, what) == getattr(now, what) for what in ("temperature", "form", "views")
    )
    if known is None or not same or card.operating_point not in (None, known.operating_point):
        forget(out)
        known = now
        if card.operating_point is None and "val" in frames:
            logits = served_logits(classifier, frames["val"], progress)
            known = with_point(known, frames["val"], logits)
            found = write_scores(out, known, "val", frames["val"], logits, resamples)
            if split == "val":
                return found

    def logits_of(frame: pd.DataFrame) -> NDArray[np.floating]:
        return served_logits(classifier, frame, progress)

    return _score(out, known, split, frames[split], logits_of, resamples)


def served_logits(
    classifier: "Classifier", frame: pd.DataFrame, progress: ProgressCallback | None = None
) -> NDArray[np.float32]:
    """Logits (N, K) of the images of a split, decoded as the dashboard decodes them."""
    paths = [Path(path) for path in frame.path]
    found = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            pictures = list(pool.map(quality.read, paths[start : start + CHUNK]))
            found.append(classifier.logits(pictures))
            if progress:
                progress(min(start + CHUNK, len(paths)), len(paths))
    return np.concatenate(found)


def with_point(
    evaluation: Evaluation,
    val: pd.DataFrame,
    logits: NDArray[np.floating],
    sensitivity: float = TARGETS[0],
) -> Evaluation:
    """`evaluation` with an operating point chosen on val, where its classes have malignant ones."""
    predictions = evaluation.predictions(val, logits)
    if not predictions.malignant.any():
        return evaluation
    point = operating_point(evidence_of(predictions), evaluation.temperature, sensitivity)
    return replace(evaluation, operating_point=point)


def evidence_of(predictions: Predictions, *, clean: bool = True) -> Evidence:
    """Predictions as what a point is chosen on; clean: whether they are of val as it is."""
    return Evidence(
        predictions.labels,
        predictions.logits,
        predictions.frame.lesion_id.to_numpy(object),
        np.full(len(predictions), clean),
        predictions.taxonomy,
    )


def recipe_of(run: Path, config: TrainConfig) -> str:
    """How a run was trained, in a word: what its settings say, or what they amount to."""
    said = config.recipe or read_run(run).get("recipe")
    if said:
        return str(said)
    if config.teachers:
        return "distill"
    return "scratch" if config.weights == "none" else "finetune"


def _chosen(
    evaluation: Evaluation, val: pd.DataFrame, logits: NDArray[np.floating], sensitivity: float
) -> Evaluation:
    predictions = evaluation.predictions(val, logits)
    temperature = calibrate(predictions.labels, predictions.logits)
    return with_point(replace(evaluation, temperature=temperature), val, logits, sensitivity)


def _of_card(name: str, root: Path, classifier: "Classifier", frames: Frames) -> Evaluation:
    card, made = classifier.card, load_provenance(locate(name, root))
    return Evaluation(
        model=card.name + (f" ({classifier.views} views)" if classifier.views > 1 else ""),
        backbone=card.backbone,
        recipe=checkpoint_recipe(card, made),
        form=f"served ({classifier.precision})",
        input_size=card.preprocessing.input_size,
        temperature=card.temperature,
        operating_point=card.operating_point,
        chosen_on="val",
        split=split_hash(frames),
        trained_on=str(made.split.get("sha256", "")),
        weights=card.weights_sha256,
        taxonomy=card.taxonomy.to_dict(),
        frequencies=frequencies_of(frames["train"], card.taxonomy),
        judged=judged_hash(frames),
        kept_out=str(made.split.get("judged_sha256", "")),
        checkpoint=name,
        views=classifier.views,
    )


def checkpoint_recipe(card: "Card", made: Provenance) -> str:
    """How a checkpoint was trained, in a word."""
    if card.members:
        return "ensemble"
    config = made.training.get("config", {})
    start = config.get("weights", "")
    recipe = "distill" if config.get("teachers") else "scratch" if start == "none" else "finetune"
    return str(made.training.get("recipe", recipe))


def _score(
    folder: Path,
    evaluation: Evaluation,
    split: str,
    frame: pd.DataFrame,
    logits_of: Logits,
    resamples: int,
) -> list[Metric]:
    """Metrics of a split, from predictions that are there already where they are."""
    if (folder / f"predictions_{split}.csv").is_file():
        there = load_predictions(folder, split)
        if list(there.frame.image_id) == list(frame.image_id.astype(str)):
            return write_scores(folder, evaluation, split, frame, there.logits, resamples)
    return write_scores(folder, evaluation, split, frame, logits_of(frame), resamples)


def _network_logits(
    network: Any, config: TrainConfig, frame: pd.DataFrame, side: int, cache: Path
) -> NDArray[np.float32]:
    import torch

    from retraining.training.devices import has_bf16
    from retraining.training.networks import predict_logits

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(device, memory_format=torch.channels_last)
    pictures = pixels(frame, Path(), side, cache)
    preprocessing = get_backbone(config.backbone).preprocessing(side)
    return predict_logits(network, pictures, preprocessing, bf16=has_bf16())


def _known(folder: Path, weights: str, frames: Frames, size: int | None) -> Evaluation | None:
    """The evaluation that is there, if it is of these weights, splits and size."""
    if not (folder / EVALUATION_FILE).is_file():
        return None
    try:
        found = load_evaluation(folder)
    except ValueError:
        return None
    theirs = (found.weights, found.split, found.judged)
    same = theirs == (weights, split_hash(frames), judged_hash(frames))
    return found if same and size in (None, found.input_size) else None


def _frames(splits: Path, split: str) -> Frames:
    frames = load_split(splits)
    if split not in frames:
        raise ValueError(f"split must be one of {', '.join(frames)}, got {split!r}")
    return frames


def _recorded_hashes(path: Path) -> tuple[str, str]:
    if not path.is_file():
        return "", ""
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return str(manifest.get("sha256", "")), str(manifest.get("judged_sha256", ""))
