"""Images degraded step by step, measured as the gate measures them, and classified."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.inference.classifier import Classifier
from quality.contrast import gamma
from quality.sharpness import laplacian_variance
from retraining.progress import ProgressCallback
from retraining.transforms.corruptions import blurred, faded
from studies.gate.scale import BLURS

CONTRASTS = (1.0, 0.8, 0.6, 0.45, 0.3, 0.2, 0.12)
"""Shares of the contrast that are left; the first changes nothing, as does the first blur."""
STEPS = (
    *(("blur", level) for level in BLURS),
    *(("contrast", level) for level in CONTRASTS[1:]),
)
MEASURED = ("image_id", "lesion_id", "dx", "kind", "level", "sharpness", "gamma")
CHUNK = 64  # images that are decoded together

Image = NDArray[np.uint8]


def measure(
    frame: pd.DataFrame, classifier: Classifier, progress: ProgressCallback | None = None
) -> pd.DataFrame:
    """A row per image and step of degradation.

    frame: N rows with `image_id, lesion_id, dx, path`.
    Columns: `image_id, lesion_id, dx, kind` (`blur` or `contrast`), `level` (deviation in pixels
    at a width of 600, or share of the contrast), `sharpness` (variance of the Laplacian at the
    image's own size), `gamma` (0 to 0.5), then a probability per class.
    """
    codes = list(classifier.card.taxonomy.codes)
    rows: list[tuple[Any, ...]] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(frame), CHUNK):
            chosen = frame.iloc[start : start + CHUNK]
            prepared = list(pool.map(_degraded, chosen.path))
            logits = classifier.logits([one[0] for many in prepared for one in many])
            found = iter(classifier.probabilities(logits))
            for row, many in zip(chosen.itertuples(), prepared, strict=True):
                for (kind, level), (_, sharpness, contrast) in zip(STEPS, many, strict=True):
                    about = (row.image_id, row.lesion_id, row.dx, kind, level)
                    rows.append((*about, sharpness, contrast, *next(found)))
            if progress:
                progress(min(start + CHUNK, len(frame)), len(frame))
    return pd.DataFrame(rows, columns=[*MEASURED, *codes])


def undegraded(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of images that nothing was done to."""
    return table[(table.kind == "blur") & (table.level == 0)]


def _degraded(path: str) -> list[tuple[Image, float, float]]:
    """The image at every step, with its sharpness and gamma."""
    image = quality.read(Path(path))
    made = (
        blurred(image, level) if kind == "blur" else faded(image, level) for kind, level in STEPS
    )
    return [(one, laplacian_variance(one), gamma(one)) for one in made]
