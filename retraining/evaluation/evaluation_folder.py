"""An evaluation folder: what a model predicted for the images of a split, and how well.

A run folder is one; the evaluation of a served model has a folder of its own. It holds

- `evaluation.json`: which model, and what was chosen on which split;
- `predictions_<split>.csv`: per image, with the logits, from which everything else follows;
- `metrics_<split>.json`, `breakdown_<split>.json`, `curves_<split>.json`.

For `val` there is `metrics_val_resampled.json` too: the same with all classes weighing the same,
which is what a validation set tends to whose images are drawn with weights that even out the
classes.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.registry.taxonomy import Taxonomy
from quality.output import write_text
from retraining.evaluation.curves import curves
from retraining.evaluation.scores import GROUPS, Metric, Predictions, breakdown, metric_rows
from retraining.evaluation.skin_tone import with_skin_tone
from retraining.metrics.bootstrap import RESAMPLES
from retraining.metrics.calibration import chance_ece
from retraining.metrics.metrics import Values

EVALUATION_FILE = "evaluation.json"
RESAMPLED = "val_resampled"
LOGIT_DECIMALS = 5


@dataclass(frozen=True)
class Evaluation:
    """Which model was evaluated, and with which choices.

    model: name for tables; backbone: key of the registry; recipe: how it was trained.
    form: `trained` network or the exported `served` form, with its arithmetic.
    input_size: pixels; chosen on val.
    temperature: chosen on val; 1 where there was no val.
    operating_point: as on a card; None: none.
    chosen_on: the split on which weights, size, temperature and threshold were chosen.
    split: SHA-256 of the splits of which one was scored.
    trained_on: SHA-256 of the splits whose train split the model learnt; "" where unknown.
    weights: SHA-256 of the weights.
    taxonomy: JSON form of the classes.
    frequencies: of the classes in the train split, by code.
    judged: SHA-256 of those splits without train; kept_out: of those that the model was trained on,
        equal where other pictures for training joined the same val and test. "" where unknown.
    chance_ece: by split: the calibration errors of a perfect model with these probabilities.
    checkpoint: of a served form, the name under the folder of checkpoints; "" for a run.
    views: of every picture, over which a served form averages; 1: no test-time augmentation.
    """

    model: str
    backbone: str
    recipe: str
    form: str
    input_size: int
    temperature: float
    operating_point: dict[str, Any] | None
    chosen_on: str
    split: str
    trained_on: str
    weights: str
    taxonomy: dict[str, Any]
    frequencies: dict[str, float]
    judged: str = ""
    kept_out: str = ""
    chance_ece: dict[str, Any] = field(default_factory=dict)
    checkpoint: str = ""
    views: int = 1

    @property
    def classes(self) -> Taxonomy:
        """The classes, in the order of the logits."""
        return Taxonomy.from_dict(self.taxonomy)

    @property
    def threshold(self) -> float | None:
        """Of the operating point."""
        return None if self.operating_point is None else float(self.operating_point["threshold"])

    def predictions(self, frame: pd.DataFrame, logits: NDArray[np.floating]) -> Predictions:
        """Logits (N, K) of the N images of `frame`, with this temperature and threshold."""
        classes = self.classes
        return Predictions(
            frame,
            np.round(np.asarray(logits, np.float64), LOGIT_DECIMALS),
            classes,
            self.temperature,
            self.threshold,
            np.array([self.frequencies.get(code, 0.0) for code in classes.codes]),
        )


def frequencies_of(frame: pd.DataFrame, taxonomy: Taxonomy) -> dict[str, float]:
    """Share of every class among the images, by code; the sum is 1."""
    counts = frame.dx.value_counts()
    return {code: float(counts.get(code, 0)) / len(frame) for code in taxonomy.codes}


def write_scores(
    folder: Path,
    evaluation: Evaluation,
    split: str,
    frame: pd.DataFrame,
    logits: NDArray[np.floating],
    resamples: int = RESAMPLES,
) -> list[Metric]:
    """Write all files of one split, `evaluation.json` last; returns the metrics.

    frame: N rows with `image_id, lesion_id, dx` and what is known of `GROUPS`; logits: (N, K),
    before temperature; resamples: of whole lesions, for the intervals. Skin tone is measured here.
    """
    predictions = evaluation.predictions(with_skin_tone(frame), logits)
    write_text(folder / f"predictions_{split}.csv", _predictions_csv(predictions))
    metrics = metric_rows(predictions, split, resamples)
    _write(folder / f"metrics_{split}.json", metrics)
    if split == "val":
        evened = metric_rows(predictions, RESAMPLED, resamples, even=True)
        _write(folder / f"metrics_{RESAMPLED}.json", evened)
    _write(folder / f"breakdown_{split}.json", breakdown(predictions, split, resamples))
    _write(folder / f"curves_{split}.json", curves(predictions), indent=None)
    if evaluation.frequencies:
        frequencies: Values = np.array(list(evaluation.frequencies.values()))
        evaluation.chance_ece[split] = chance_ece(predictions.probabilities, frequencies)
    _write(folder / EVALUATION_FILE, asdict(evaluation))
    return metrics


def load_evaluation(folder: Path) -> Evaluation:
    """Read `evaluation.json`; ValueError where there is none."""
    path = folder / EVALUATION_FILE
    if not path.is_file():
        raise ValueError(
            f"{folder} has no {EVALUATION_FILE}; run `python -m retraining evaluate` on it first"
        )
    try:
        return Evaluation(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not understood ({error}); evaluate the model again") from None


def load_scores(folder: Path, kind: str, split: str) -> Any:
    """Read `<kind>_<split>.json`; ValueError names the command that makes it.

    kind: `metrics`, `breakdown` or `curves`.
    """
    path = folder / f"{kind}_{split}.json"
    if not path.is_file():
        made_by = "val" if split == RESAMPLED else split
        raise ValueError(
            f"{folder} has no {path.name}; run `python -m retraining evaluate --split {made_by}` "
            "on it first"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def load_predictions(folder: Path, split: str) -> Predictions:
    """Read the predictions of a split, with temperature and threshold of the evaluation.

    Raises ValueError where there are none, or the file lacks columns.
    """
    evaluation = load_evaluation(folder)
    path = folder / f"predictions_{split}.csv"
    if not path.is_file():
        raise ValueError(
            f"{folder} has no {path.name}; run `python -m retraining evaluate --split {split}` "
            "first"
        )
    frame = pd.read_csv(
        path, keep_default_na=False, dtype={"image_id": str, "lesion_id": str, "dx": str}
    )
    columns = [f"logit_{code}" for code in evaluation.classes.codes]
    lacking = [name for name in (*columns, "image_id", "lesion_id", "dx") if name not in frame]
    if lacking:
        raise ValueError(f"{path} lacks the columns {', '.join(lacking)}; evaluate the model again")
    return evaluation.predictions(frame.drop(columns=columns), frame[columns].to_numpy(float))


def forget(folder: Path) -> None:
    """Remove the scores of other weights or another size."""
    for kind in ("metrics_*.json", "breakdown_*.json", "curves_*.json", "predictions_*.csv"):
        for stale in folder.glob(kind):
            stale.unlink()
    (folder / EVALUATION_FILE).unlink(missing_ok=True)


def _predictions_csv(predictions: Predictions) -> str:
    p = predictions
    known = [name for name in GROUPS if name in p.frame]
    table = p.frame[["image_id", "lesion_id", "dx"]].copy()
    table["prediction"] = [p.taxonomy.codes[i] for i in p.predicted]
    for i, code in enumerate(p.taxonomy.codes):
        table[code] = p.probabilities[:, i].round(6)
    table["p_malignant"] = p.p_malignant.round(6)
    for i, code in enumerate(p.taxonomy.codes):
        table[f"logit_{code}"] = p.logits[:, i]
    for name in known:
        table[name] = p.frame[name].to_numpy()
    text = io.StringIO()
    table.to_csv(text, index=False)
    return text.getvalue()


def _write(path: Path, data: Any, indent: int | None = 1) -> None:
    write_text(path, json.dumps(_plain(data), indent=indent, allow_nan=False) + "\n")


def _plain(data: Any) -> Any:
    """Numbers of numpy as Python's, tuples as lists."""
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data.item() if isinstance(data, np.generic) else data
