"""Neighbours by the classifier's vectors, among pictures that no checkpoint learnt from.

Val and test of a split, each picture against all others: a lesion counts once, by its picture
that is nearest, and the picture's own lesion is left out, as in the Dashboard. Val chose
temperatures and thresholds, which no vector depends on.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from quality.output import write_text
from retraining.data.errors import DataError
from retraining.data.index import load_index
from retraining.metrics.bootstrap import Values, lesion_weights, with_intervals
from retraining.metrics.metrics import divided
from retraining.progress import ProgressCallback

NEAREST = (5, 10)
MEAN = "mean"
BLOCK = 256
REPORT = """# Similar cases: how often the nearest lesions have a picture's diagnosis

Val and test of HAM10000's split, {n:,} pictures of {lesions:,} lesions that no model learnt from,
each against all others: a lesion counts once, by its nearest picture, and the picture's own lesion
is left out. Share of the nearest lesions with the picture's diagnosis, with 95 % intervals by 1,000
bootstrap resamples of lesions. Made by `python -m studies.neighbours`; the Dashboard reads
`agreement.csv`.

{table}
"""


def nearest(vectors: NDArray[np.floating], lesions: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Places (N, k) of the pictures of the nearest other lesions, the nearest first.

    vectors: (N, D); their mean is taken off, then angles are measured. lesions: (N,) names.
    Raises ValueError where there are not `k` other lesions.

    Examples:
        >>> vectors = np.array([[2, 0], [2, 1], [-2, 0], [-2, -1]])
        >>> nearest(vectors, np.array(["a", "b", "c", "d"]), 1)[:, 0].tolist()
        [1, 0, 3, 2]
    """
    names, of = np.unique(np.asarray(lesions).astype(str), return_inverse=True)
    if len(names) <= k:
        raise ValueError(f"k must be below the number of lesions, {len(names)}, got {k}")
    centred = vectors.astype(np.float32) - vectors.astype(np.float32).mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    found = np.empty((len(of), k), np.intp)
    for start in range(0, len(of), BLOCK):
        order = np.argsort(-(centred[start : start + BLOCK] @ centred.T), axis=1, kind="stable")
        for place, row in enumerate(order, start):
            others = row[of[row] != of[place]]
            _, first = np.unique(of[others], return_index=True)
            found[place] = others[np.sort(first)[:k]]
    return found


def shares(
    same: NDArray[np.floating], classes: NDArray[Any], lesions: NDArray[Any]
) -> dict[str, dict[str, Any]]:
    """Of N pictures by class, and the mean over classes: `{"value", "low", "high"}` each.

    same: (N,) share of a picture's neighbours that have its class.
    """
    codes = sorted(set(classes))

    def metrics(weights: Values) -> dict[str, Values]:
        rows = {code: np.asarray(classes == code) for code in codes}
        found = {
            code: divided(weights[:, row] @ same[row], weights[:, row].sum(axis=1))
            for code, row in rows.items()
        }
        return found | {MEAN: np.mean(list(found.values()), axis=0)}

    return with_intervals(metrics, lesion_weights(np.asarray(lesions, object), 1000))


def run_study(
    splits: Path,
    models: Sequence[str],
    *,
    root: Path = WEIGHTS_DIR,
    progress: ProgressCallback | None = None,
) -> pd.DataFrame:
    """A row for each model, number of neighbours and class.

    Raises DataError where the split or a model's vectors are missing.
    """
    frame = pd.concat([load_index(splits / f"{part}.csv") for part in ("val", "test")])
    paths = [splits / path for path in frame.path]
    rows = []
    for number, name in enumerate(models):
        export(name, root=root)
        classifier = Classifier(name, root=root)

        def vector(path: Path, classifier: Classifier = classifier) -> Any:
            return classifier.predict_one(quality.read(path)).vector

        vectors = []
        with ThreadPoolExecutor(classifier.streams) as pool:
            for one in pool.map(vector, paths):
                if one is None:
                    raise DataError(f"{name} is an ensemble, which hands out no vectors")
                vectors.append(one)
                if progress:
                    progress(number * len(paths) + len(vectors), len(models) * len(paths))
        classes, lesions = frame.dx.to_numpy(str), frame.lesion_id.to_numpy(str)
        found = nearest(np.stack(vectors), lesions, max(NEAREST))
        same = classes[found] == classes[:, np.newaxis]
        common = {"model": name, "version": classifier.card.version, "n": len(frame)}
        common["lesions"] = frame.lesion_id.nunique()
        for k in NEAREST:
            for code, share in shares(same[:, :k].mean(axis=1), classes, lesions).items():
                rows.append(common | {"k": k, "class": code, **share})
    return pd.DataFrame(rows)


def write_report(table: pd.DataFrame, out: Path) -> None:
    """Write `agreement.csv`, which the Dashboard reads, and `report.md`."""
    text = table.round({"value": 4, "low": 4, "high": 4}).to_csv(index=False)
    write_text(out / "agreement.csv", text)
    lines = ["| model | k | class | share | 95 % |", "|---|---|---|---|---|"]
    for row in table.to_dict("records"):
        lines.append(
            f"| {row['model']} {row['version']} | {row['k']} | {row['class']} "
            f"| {row['value']:.2f} | {row['low']:.2f} to {row['high']:.2f} |"
        )
    first = table.iloc[0]
    report = REPORT.format(n=first["n"], lesions=first["lesions"], table="\n".join(lines))
    write_text(out / "report.md", report)
