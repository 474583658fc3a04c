"""A checkpoint on any labelled pictures, those of other clinics above all: no train beside them.

Classes that the data and the model share are scored as on a split; malignant or not is scored on
all pictures, by the data's own classes. Nothing is chosen here: temperature, operating point and
thresholds are the card's.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from models.registry.taxonomy import Taxonomy
from quality.output import write_text
from retraining.data.errors import DataError
from retraining.data.index import INDEX_FILE, load_index
from retraining.data.splits import load_taxonomy
from retraining.evaluation.scores import Metric, Predictions, breakdown, metrics_of
from retraining.evaluation.skin_tone import with_skin_tone
from retraining.metrics.bootstrap import RESAMPLES, Samples, intervals, measured
from retraining.metrics.calibration import calibrate, consults
from retraining.metrics.metrics import Values, binary_metrics, ranking_metrics
from retraining.progress import ProgressCallback

CHUNK = 32  # images that are decoded together
TINY = 1e-300  # what has no logarithm counts as it
GATE: Literal["normalised"] = "normalised"  # as the dashboard judges by default


@dataclass(frozen=True)
class Labelled:
    """Pictures with their classes: a name for tables, the rows of an index, its classes."""

    name: str
    frame: pd.DataFrame
    taxonomy: Taxonomy


@dataclass(frozen=True)
class LabelledScores:
    """What a checkpoint reaches on labelled pictures.

    label: its name and version.
    groups: the breakdown of the shared classes, see `retraining.evaluation.scores.breakdown`.
    samples: the metrics over resamples of lesions, the same for every checkpoint.
    """

    label: str
    metrics: list[Metric]
    groups: list[dict[str, Any]]
    samples: Samples


def read_labelled(given: str, split: str = "test") -> Labelled:
    """What `--data` names, as FOLDER or NAME=FOLDER: a folder that `prepare` or `split` wrote.

    Of a split it is the pictures of `split`. Raises DataError where the folder is neither.
    """
    name, sign, path = given.rpartition("=")
    folder = Path(path)
    for file in (folder / f"{split}.csv", folder / INDEX_FILE):
        if file.is_file():
            frame = load_index(file)
            # An index has paths as seen from it, a split has whole ones.
            frame["path"] = [str(folder / one) for one in frame.path]
            if "mask" in frame:
                frame["mask"] = [str(folder / one) if one else "" for one in frame["mask"]]
            if frame.empty:
                raise DataError(f"{file} has no pictures")
            return Labelled(name if sign else folder.name, frame, load_taxonomy(folder))
    raise DataError(
        f"{folder} holds neither {INDEX_FILE} nor {split}.csv; `python -m retraining prepare "
        "FOLDER --out DATA` makes an index of labelled pictures in any layout"
    )


def evaluate_labelled(
    name: str,
    data: Labelled,
    kept: Path,
    *,
    root: Path = WEIGHTS_DIR,
    resamples: int = RESAMPLES,
    progress: ProgressCallback | None = None,
) -> LabelledScores:
    """Metrics of a checkpoint as it is served, each with n and a 95 % interval over lesions.

    name: of the checkpoint below `root`, or a path to one.
    kept: folder where the model's answers are kept, so that it is asked once.
    Beside `retraining.evaluation.scores.metrics_of`: `flagged_ood` and `flagged_far` (shares of
    pictures beyond the card's thresholds), `gate_rejected`, `p_malignant_mean`, and
    `temperature_here`, which would calibrate the model on these data.
    Raises DataError where data and model have no class in common.
    """
    served = export(name, root=root)
    classifier = Classifier(name, root=root)
    card = classifier.card
    codes = card.taxonomy.codes
    shared = data.frame.dx.isin(codes).to_numpy()
    if not shared.any():
        raise DataError(
            f"{data.name} has the classes {', '.join(data.taxonomy.codes)}, of which {name} knows "
            f"none; its classes are {', '.join(codes)}"
        )
    answers = _answers(classifier, served.name, data.frame, kept, progress)
    frame = with_skin_tone(data.frame)
    logits = answers[list(codes)].to_numpy(float)
    point = card.operating_point
    threshold = None if point is None else float(point["threshold"])
    every = Predictions(
        frame.assign(dx=np.where(shared, frame.dx, codes[0])),
        logits,
        card.taxonomy,
        card.temperature,
        threshold,
    )
    known = every.take(np.flatnonzero(shared))
    weights = every.weights(resamples)
    own = {code: data.taxonomy.index(code) for code in data.taxonomy.codes}
    malignant = np.isin(
        [own[code] for code in data.frame.dx], list(data.taxonomy.malignant_indices)
    )
    ood = card.ood or {}
    flags = {
        "flagged_ood": answers.ood > float(ood.get("threshold", np.inf)),
        "flagged_far": answers.ood > float(ood.get("far_threshold", np.inf)),
        "gate_rejected": answers.gate == "reject",
        "p_malignant_mean": every.p_malignant,
    }

    def of_all(drawn: Values) -> dict[str, Values]:
        found = {
            key: drawn @ np.asarray(values, float) / drawn.sum(axis=1)
            for key, values in flags.items()
        }
        if malignant.any() and not malignant.all():
            area, precision = ranking_metrics(malignant, every.p_malignant, drawn)
            found |= {"malignant_auc": area, "malignant_average_precision": precision}
            rules = {"": every.called}
            if threshold is not None:
                rules["_at_threshold"] = consults(every.p_malignant, every.called, threshold)
            for suffix, calls in rules.items():
                for key, value in binary_metrics(malignant, calls, drawn).items():
                    found[f"malignant_{key}{suffix}"] = value
        return found

    def of_shared(drawn: Values) -> dict[str, Values]:
        found = metrics_of(known, drawn)
        return {key: value for key, value in found.items() if not key.startswith("malignant_")}

    parts = (
        (int(shared.sum()), measured(of_shared, weights[:, shared])),
        (len(every), measured(of_all, weights)),
    )
    rows = [
        {"metric": key, "split": data.name, "n": n, **value}
        for n, found in parts
        for key, value in intervals(found).items()
    ]
    here = calibrate(known.labels, known.logits)
    rows.append(
        {
            "metric": "temperature_here",
            "split": data.name,
            "n": len(known),
            "value": here,
            "low": None,
            "high": None,
        }
    )
    groups = breakdown(known, data.name, resamples)
    return LabelledScores(f"{card.name} {card.version}", rows, groups, parts[0][1] | parts[1][1])


def _answers(
    classifier: Classifier,
    served: str,
    frame: pd.DataFrame,
    kept: Path,
    progress: ProgressCallback | None,
) -> pd.DataFrame:
    """Of every picture its logits by class, `ood` score and the gate's verdict, `gate`.

    served: names the exported form, of which they are.
    """
    card = classifier.card
    stamp = "\n".join(f"{path}\t{Path(path).stat().st_size}" for path in frame.path)
    stamp += f"\n{served} {classifier.precision}"
    file = kept / f"answers-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}.csv"
    if file.is_file():
        return pd.read_csv(file)
    codes = card.taxonomy.codes
    rows: list[dict[str, object]] = []
    paths = [Path(path) for path in frame.path]
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            pictures = list(pool.map(quality.read, paths[start : start + CHUNK]))
            gates = pool.map(lambda one: quality.check(one, mode=GATE).verdict, pictures)
            rows += [
                # Logits but for a number that all classes share, which no metric sees.
                {c: card.temperature * np.log(max(one.probabilities[c], TINY)) for c in codes}
                | {"ood": one.ood_score, "gate": gate}
                for one, gate in zip(classifier.predict(pictures), gates, strict=True)
            ]
            if progress:
                progress(min(start + CHUNK, len(paths)), len(paths))
    answers = pd.DataFrame(rows)
    answers["ood"] = answers.ood.astype(float)
    write_text(file, answers.to_csv(index=False, float_format="%.9g"))
    return answers
