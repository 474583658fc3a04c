"""From an evaluated run to a checkpoint that the dashboard offers, and cards refreshed."""

import importlib.metadata
import json
import math
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from models.checkpoint import evaluation as evaluations
from models.checkpoint.card import CARD_FILE, WEIGHTS_DIR, Card, file_sha256, load_card, locate
from models.checkpoint.card_files import write_card
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.checkpoint.weights import save_checkpoint
from models.registry.backbones import get_backbone
from retraining.data.splits import described, judged_hash, load_split, split_hash
from retraining.evaluation.answers import ServedModel, pictures_of
from retraining.evaluation.evaluate import checkpoint_recipe, evidence_of, recipe_of, with_point
from retraining.evaluation.evaluation_folder import (
    RESAMPLED,
    Evaluation,
    frequencies_of,
    load_evaluation,
    load_predictions,
    load_scores,
    write_scores,
)
from retraining.evaluation.sources import Source
from retraining.metrics.bootstrap import RESAMPLES
from retraining.metrics.calibration import calibrate, operating_curve
from retraining.metrics.operating_points import TARGETS, operating_points
from retraining.progress import NamedProgressCallback
from retraining.publishing import model_card as describe
from retraining.publishing.points import of_source, served_evidence, targets, with_measured
from retraining.publishing.provenance import provenance, without_folders
from retraining.training.config import load_config
from retraining.training.run_folder import (
    BEST_FILE,
    CONFIG_FILE,
    SPLIT_FILE,
    load_trained,
    read_log,
    read_run,
)

LIBRARIES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless")
PARTS = ("test", "val", RESAMPLED)


def promote_run(
    run: Path,
    root: Path = WEIGHTS_DIR,
    name: str | None = None,
    sensitivity: float = TARGETS[0],
    resamples: int = RESAMPLES,
) -> Path:
    """Write `root/NAME/` from the kept weights of a run that was evaluated on test.

    Temperature and operating points come from the predictions on val, that for `sensitivity` the
    first; everything else from files of the run. Returns the folder. `refresh_card` chooses the
    points on more than val, in the form that is served.
    Raises ValueError where the run was not evaluated, or trained further since.
    """
    for needed, command in (
        (BEST_FILE, "train"),
        ("predictions_val.csv", "evaluate"),
        ("predictions_test.csv", "evaluate --split test"),
    ):
        if not (run / needed).is_file():
            raise ValueError(f"{run} has no {needed}; run `python -m retraining {command}` first")
    evaluation = load_evaluation(run)
    if evaluation.weights != file_sha256(run / BEST_FILE):
        raise ValueError(
            f"{run} was trained further since its evaluation; run "
            "`python -m retraining evaluate` again"
        )
    config = load_config(run / CONFIG_FILE)
    if evaluation.operating_point and (
        evaluation.operating_point["target_sensitivity"] != sensitivity
    ):
        _choose_anew(run, evaluation, sensitivity, resamples)
        evaluation = load_evaluation(run)
    log = read_log(run)
    name = name or config.backbone
    recipe = recipe_of(run, config)
    made = replace(provenance(config, evaluation.classes), split=_read(run / SPLIT_FILE))
    card = Card(
        name=name,
        version=next_version(root / name),
        description=describe.description(config.backbone, evaluation.classes, made.collections),
        backbone=config.backbone,
        taxonomy=evaluation.classes,
        preprocessing=get_backbone(config.backbone).preprocessing(evaluation.input_size),
        prior={code: 1 / len(evaluation.classes) for code in evaluation.classes.codes},
        licence=describe.licence(evaluation.classes),
        backbone_weights=read_run(run).get("backbone_weights") or {},
    )
    made = replace(
        made,
        training={
            "recipe": recipe,
            "summary": describe.training_summary(config, log, recipe),
            # The split's hash says which it was.
            "config": without_folders(config.to_dict()),
            "log": [
                {key: None if math.isnan(value) else value for key, value in row.items()}
                for row in log
            ],
            "device": str(read_run(run).get("device", "")),
        },
        versions={library: importlib.metadata.version(library) for library in LIBRARIES},
    )
    points = operating_points(
        evidence_of(load_predictions(run, "val")), evaluation.temperature, targets(sensitivity)
    )
    card, measured = with_scores(card, ModelEvaluation(), made, run, evaluation, points, resamples)
    network, _, _ = load_trained(run)
    save_checkpoint(root / name, network.state_dict(), card, measured, made)
    return root / name


def refresh_card(
    name: str,
    splits: Path,
    *,
    root: Path = WEIGHTS_DIR,
    out: Path | None = None,
    sources: Sequence[Source] = (),
    cache: Path | None = None,
    sensitivity: float = TARGETS[0],
    resamples: int = RESAMPLES,
    progress: NamedProgressCallback | None = None,
) -> Path:
    """Choose temperature and operating points of a checkpoint anew and score it, without its run.

    The checkpoint is used as it is served; val chooses, and of the sources the part `choose`; test
    and the part `external` score. Its train says how frequent the classes are, and need not be
    what the checkpoint learnt. The weights stay as they are.

    cache: where answers are kept, see `retraining.evaluation.answers`.
    sensitivity: the target of the default operating point.

    out: folder of checkpoints that gets `NAME/` with the new card and a copy of the weights;
        default: the card is replaced where it is.
    Returns the checkpoint's folder. Raises ValueError where val and test are not those that were
    kept from its training.
    """
    source = locate(name, root)
    card = load_card(source)
    parts = load_split(splits)
    lacking = [part for part in ("val", "test") if part not in parts]
    if lacking:
        raise ValueError(f"{splits} has no {lacking[0]}.csv; a card needs val and test")
    made = load_provenance(source)
    recorded = made.split.get("sha256", "")
    made = _of_split(name, made, parts)
    model = ServedModel(source, cache, progress)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        logits = model.answers(pictures_of("val", parts["val"])).logits
        evaluation = Evaluation(
            model=card.name,
            backbone=card.backbone,
            recipe=checkpoint_recipe(card, made),
            form=f"served ({model.precision})",
            input_size=card.preprocessing.input_size,
            temperature=1.0,
            operating_point=None,
            chosen_on="val",
            split=split_hash(parts),
            trained_on=recorded,
            weights=card.weights_sha256,
            taxonomy=card.taxonomy.to_dict(),
            frequencies=frequencies_of(parts["train"], card.taxonomy),
            judged=judged_hash(parts),
            kept_out=made.split["judged_sha256"],
        )
        val = evaluation.predictions(parts["val"], logits)
        temperature = calibrate(val.labels, val.logits)
        evidence = served_evidence(model, val, sources)
        points = operating_points(evidence, temperature, targets(sensitivity))
        evaluation = replace(
            evaluation, temperature=temperature, operating_point=points[0] if points else None
        )
        write_scores(work, evaluation, "val", parts["val"], logits, resamples)
        logits = model.answers(pictures_of("test", parts["test"])).logits
        write_scores(work, evaluation, "test", parts["test"], logits, resamples)
        if card.metrics:  # one without is being made, and has its version
            card = replace(card, version=next_version(source))
        before = evaluations.load_evaluation(source)
        card, measured = with_scores(card, before, made, work, evaluation, points, resamples)
        measured = replace(
            measured,
            sources=[
                of_source(one, model, points, temperature, card.taxonomy, resamples)
                for one in sources
            ],
        )
    target = source if out is None else out / source.name
    if out is not None and target.resolve() != source.resolve():
        shutil.copytree(source, target, dirs_exist_ok=True)
    write_card(target, card, measured, made)
    return target


def refresh_text(name: str, splits: Path, *, root: Path = WEIGHTS_DIR) -> Path:
    """Write the limits and the README of a checkpoint anew, from its scores; nothing is measured.

    What predicts stays as it is, and so does the version. Returns the checkpoint's folder; raises
    ValueError for a checkpoint without scores on test, and for another split than its own.
    """
    folder = locate(name, root)
    card, measured = load_card(folder), evaluations.load_evaluation(folder)
    test = measured.on("test")
    if not test:
        raise ValueError(f"{name} has no scores on test; refresh its card without --text-only")
    made = _of_split(name, load_provenance(folder), load_split(splits))
    limits = describe.limits(test, measured.breakdowns, card.taxonomy, made.split)
    write_card(folder, card, replace(measured, limits=limits), made)
    return folder


def _of_split(name: str, made: Provenance, parts: Mapping[str, pd.DataFrame]) -> Provenance:
    """`made` with the description of its split; ValueError for another val or test."""
    recorded = made.split.get("sha256")
    if not recorded or recorded == split_hash(parts):
        return replace(made, split=made.split | described(parts))
    if made.split.get("judged_sha256") == judged_hash(parts):
        return made  # what it learnt beside them is what its own description says
    raise ValueError(
        f"that is not the split that {name} was trained on: its val and test may hold "
        "images that the model has learnt"
    )


def with_scores(
    card: Card,
    before: ModelEvaluation,
    made: Provenance,
    folder: Path,
    evaluation: Evaluation,
    points: Sequence[dict[str, Any]],
    resamples: int = RESAMPLES,
) -> tuple[Card, ModelEvaluation]:
    """`card` and what was measured `before`, with all that an evaluation on val and test found.

    points: the operating points, which are measured on test.
    """
    metrics = [row for part in PARTS for row in load_scores(folder, "metrics", part)]
    breakdowns = load_scores(folder, "breakdown", "test")
    p = load_predictions(folder, "test")
    known = 0 < p.malignant.sum() < len(p)
    measured = replace(before, metrics=metrics)
    test = measured.on("test")
    measured = replace(
        measured,
        intended_use=describe.intended_use(card.taxonomy),
        limits=describe.limits(test, breakdowns, card.taxonomy, made.split),
        calibration=describe.calibration(evaluation, test),
        operating_curve=operating_curve(
            p.malignant, p.p_malignant, p.called, "test", [one["threshold"] for one in points]
        )
        if known
        else None,
        predictive_values=describe.predictive_values(test),
        breakdowns=breakdowns,
    )
    card = replace(
        card,
        temperature=evaluation.temperature,
        operating_points=with_measured(points, p, resamples),
        metrics=measured.headlines(),
    )
    return card, measured


def _choose_anew(run: Path, evaluation: Evaluation, sensitivity: float, resamples: int) -> None:
    """Write the run's scores with an operating point for another sensitivity."""
    kept = {part: load_predictions(run, part) for part in ("val", "test")}
    chosen = with_point(evaluation, kept["val"].frame, kept["val"].logits, sensitivity)
    for part, predictions in kept.items():
        write_scores(run, chosen, part, predictions.frame, predictions.logits, resamples)


def next_version(folder: Path) -> str:
    """Today's date; with a number where `folder` holds a checkpoint that was made today."""
    today = datetime.now(UTC).strftime("%Y.%m.%d")
    if not (folder / CARD_FILE).is_file():
        return today
    same = re.fullmatch(rf"{re.escape(today)}(?:\.(\d+))?", load_card(folder).version)
    return f"{today}.{int(same[1] or 1) + 1}" if same else today


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
