"""The study from a split to its report."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from quality.resolution import is_far
from retraining.data.splits import load_split
from retraining.progress import ProgressCallback
from studies.gate.degradations import MEASURED, measure, undegraded
from studies.gate.report import GateReport
from studies.gate.scale import at_working_size, no_originals
from studies.gate.thresholds import (
    MEASURE_AND_EDGES,
    by_level,
    distribution,
    false_rejects,
    losses,
    recommended,
)

Image = NDArray[np.uint8]


def run_study(
    splits: Path,
    model: str,
    *,
    originals: Path | None = None,
    per_class: int = 300,
    root: Path = WEIGHTS_DIR,
    progress: ProgressCallback | None = None,
) -> GateReport:
    """Measure at most `per_class` images of each class of val and of test.

    originals: folder of images of about 600 x 450; needed where the split's are smaller, which
    raises ValueError where there are none.
    """
    frames = load_split(splits)
    chosen = {
        name: pd.concat(
            of_class.sample(min(len(of_class), per_class), random_state=0)
            for _, of_class in frames[name].groupby("dx", sort=True)
        )
        for name in ("val", "test")
    }
    height, width = quality.read(Path(chosen["val"].path.iloc[0])).shape[:2]
    large = list(_images_in(originals)) if originals else []
    if is_far(width, height) and not large:
        raise ValueError(no_originals((width, height)))
    export(model, root=root)
    classifier = Classifier(model, root=root)
    tables = {name: measure(frame, classifier, progress) for name, frame in chosen.items()}
    named = f"{classifier.card.name} {classifier.card.version}"
    return conclude(tables["val"], tables["test"], named, (width, height), large)


def conclude(
    val: pd.DataFrame,
    test: pd.DataFrame,
    model: str,
    size: tuple[int, int],
    originals: Sequence[Image],
) -> GateReport:
    """What follows from the tables of `measure`; val chooses the thresholds, test scores them.

    size: width and height of the images; originals: (H, W, 3) uint8, see `at_working_size`.
    """
    codes = [column for column in val.columns if column not in MEASURED]
    val, _ = at_working_size(val, size, originals)
    test, relation = at_working_size(test, size, originals)
    tables = {"val": val, "test": test}
    lost = pd.concat(
        losses(table, kind, codes).assign(kind=kind, split=split)
        for split, table in tables.items()
        for kind in MEASURE_AND_EDGES
    )
    plain = undegraded(val)
    chosen = [
        recommended(lost[(lost.kind == kind) & (lost.split == "val")], plain[measure_], plain.dx)
        for kind, (measure_, _) in MEASURE_AND_EDGES.items()
    ]
    gates = {
        "classic": quality.Thresholds(),
        "recommended": quality.Thresholds(*(_rounded(value) for value in chosen)),
    }
    counts = {
        name: {"images": int(table.image_id.nunique()), "lesions": int(table.lesion_id.nunique())}
        for name, table in tables.items()
    }
    return GateReport(
        model=model,
        counts=counts,
        recommended=gates["recommended"],
        classic=gates["classic"],
        relation=relation,
        levels=by_level(test, codes),
        losses=lost,
        false_rejects=false_rejects(test, gates, codes),
        distribution=distribution(test),
    )


def _rounded(value: float) -> float:
    """Two significant digits: the bins are not finer."""
    return float(f"{value:.2g}")


def _images_in(folder: Path) -> Iterator[Image]:
    for path in quality.find_inputs([folder]).files:
        yield quality.read(path)
