"""Lesions with several pictures: each picture measured, outlined and classified, in pairs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from quality.arrays import RGBImage
from quality.lesion import Measurement, NotRegistered, change, measure, register
from retraining.data.errors import DataError
from retraining.data.index import load_index
from retraining.metrics.calibration import consults
from retraining.progress import ProgressCallback

SPLITS = ("test", "val", "train")
SEED = 0


@dataclass(frozen=True)
class Retakes:
    """What was found, with the model and version that classified.

    pictures: a row each with `split, lesion_id, outlined`, and where there is a mask `dice, iou`.
    pairs: neighbours in a lesion's list of pictures, with `split, lesion_id, registered, by`, and
        what differs: `area` (larger by smaller, less 1), `colour` (CIEDE2000), `p_malignant`, and
        whether the verdict does.
    """

    model: str
    version: str
    pictures: pd.DataFrame
    pairs: pd.DataFrame


@dataclass(frozen=True)
class _Seen:
    picture: RGBImage
    measurement: Measurement
    p_malignant: float
    consults: bool


def run_study(
    splits: Path,
    model: str,
    *,
    lesions: int,
    proportions: tuple[int, int],
    root: Path = WEIGHTS_DIR,
    progress: ProgressCallback | None = None,
) -> Retakes:
    """Measure at most so many lesions of each split.

    proportions: width and height that pictures are scaled to before they are measured, for those
        that are squeezed copies; they are classified as they are.

    Raises DataError where no lesion has several pictures.
    """
    groups = [
        (name, lesion, rows)
        for name in SPLITS
        if (splits / f"{name}.csv").exists()
        for lesion, rows in _several(load_index(splits / f"{name}.csv"), lesions)
    ]
    if not groups:
        raise DataError(f"no lesion in {splits} has several pictures")
    export(model, root=root)
    classifier = Classifier(model, root=root)
    pictures: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    for done, (name, lesion, rows) in enumerate(groups, 1):
        one = {"split": name, "lesion_id": lesion}
        before: _Seen | None = None
        for row in rows.itertuples():
            seen = _look(classifier, quality.read(Path(str(row.path))), proportions)
            pictures.append(one | _outlined(seen, getattr(row, "mask", None)))
            if before is not None:
                pairs.append(one | _pair(before, seen))
            before = seen
        if progress:
            progress(done, len(groups))
    return Retakes(model, classifier.card.version, pd.DataFrame(pictures), pd.DataFrame(pairs))


def _several(index: pd.DataFrame, most: int) -> list[tuple[str, pd.DataFrame]]:
    """Lesions with several pictures, drawn by chance, each with its rows by image id."""
    groups = [
        (str(lesion), rows.sort_values("image_id"))
        for lesion, rows in index.groupby("lesion_id")
        if len(rows) > 1
    ]
    chosen = np.random.default_rng(SEED).permutation(len(groups))[:most]
    return [groups[place] for place in sorted(chosen)]


def _look(classifier: Classifier, image: RGBImage, proportions: tuple[int, int]) -> _Seen:
    (found,) = classifier.predict([image])
    point = classifier.card.operating_point
    threshold = 0.5 if point is None else float(point["threshold"])
    leads = consults(np.array([found.p_malignant]), np.array([found.malignant]), threshold)
    picture = np.asarray(cv2.resize(image, proportions, interpolation=cv2.INTER_CUBIC), np.uint8)
    return _Seen(picture, measure(picture), found.p_malignant, bool(leads[0]))


def _outlined(seen: _Seen, mask: object) -> dict[str, Any]:
    """Whether there is an outline, and how well it agrees with the mask, where there is one."""
    corners = seen.measurement.outline
    found: dict[str, Any] = {"outlined": bool(corners), "reason": seen.measurement.reason}
    drawn = cv2.imread(mask, cv2.IMREAD_GRAYSCALE) if corners and isinstance(mask, str) else None
    if drawn is None:
        return found
    height, width = drawn.shape
    polygon = np.round(np.array(corners) * (width, height)).astype(np.int32)
    ours = cv2.fillPoly(np.zeros_like(drawn), [polygon], 255) > 0
    both, either = (ours & (drawn > 127)).sum(), (ours | (drawn > 127)).sum()
    return found | {"iou": both / either, "dice": 2 * both / (both + either)}


def _pair(first: _Seen, second: _Seen) -> dict[str, Any]:
    """What differs between two pictures of a lesion; nan where it cannot be measured."""
    outlines = first.measurement.outline, second.measurement.outline
    try:
        registration = register(first.picture, second.picture, outlines)
    except NotRegistered:
        registration = None
    found = change(first.measurement, second.measurement, (1, 1), registration)
    area = np.nan if found.area is None else max(1 + found.area, 1 / (1 + found.area)) - 1
    return {
        "registered": registration is not None,
        "by": registration.by if registration else "",
        "area": area,
        "colour": np.nan if found.colour is None else found.colour,
        "p_malignant": abs(first.p_malignant - second.p_malignant),
        "verdict": first.consults != second.consults,
    }
