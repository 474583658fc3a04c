"""Explainers that stand in for the real one in the worker: quick, and without torch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpretability.attribution.task import at_most

STEP_SECONDS = 0.05
# Steps by precision: High goes on for long enough to be stopped in the middle.
SLOW_STEPS = 50
STEPS = {"Low": 1, "Medium": 5, "High": 1200}


@dataclass(frozen=True)
class Explained:
    map: NDArray[np.float32]
    method: str
    target: str
    precision: str
    model: str
    seconds: float
    probability: float


def explain(
    image: NDArray[np.uint8],
    *,
    model: str,
    method: str,
    precision: str,
    target: str | None,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
    root: Path,
    prior: Mapping[str, float] | None = None,
    tta: bool = False,
    max_pixels: int | None = None,
) -> Explained:
    """The map is the picture's red channel less its blue one, in [-1, 1].

    Predicted is `nv` at 0.5, or the most frequent class where there is a prior, at its frequency.
    """
    if method == "saliency" and target == "df":
        raise RuntimeError("patient-4711")
    steps = STEPS[precision]
    for step in range(steps):
        if cancelled():
            raise InterruptedError
        time.sleep(STEP_SECONDS)
        progress((step + 1) / steps)
    image = image if max_pixels is None else at_most(image, max_pixels)
    values = (image[..., 0].astype(np.float32) - image[..., 2]) / 255
    shares = prior or {"nv": 0.5}
    target = target or max(shares, key=lambda code: shares[code])
    seconds, probability = STEP_SECONDS * steps, shares.get(target, 0.5)
    return Explained(values, method, target, precision, model, seconds, probability)


def explain_for_seconds(image: NDArray[np.uint8], **asked: Any) -> Explained:
    """As `explain`, long enough to be interrupted, and short enough to wait for the end."""
    for step in range(SLOW_STEPS):
        if asked["cancelled"]():
            raise InterruptedError
        time.sleep(STEP_SECONDS)
        asked["progress"]((step + 1) / SLOW_STEPS)
    return explain(image, **asked)
