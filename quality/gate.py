"""The gate: which pictures are good enough to be classified, and what to do about the others."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb
from quality.contrast import gamma
from quality.exposure import brightness
from quality.reasons import blurred, other_resolution, pale
from quality.resolution import is_far, linear_factor
from quality.sharpness import laplacian_variance, laplacian_variance_normalised

Mode = Literal["classic", "normalised", "recommended"]
Verdict = Literal["accept", "reject"]
Measure = Literal["laplacian_variance", "gamma"]

GATES: tuple[Mode, ...] = ("classic", "normalised", "recommended")
"""What `check` can judge by."""

DEFAULT_GATE: Mode = "normalised"
"""At the common working size: a photograph of 12 megapixels is not blurred for its size.

`python -m quality` judges by "classic" where nothing else is asked for, as other programs expect.
"""


@dataclass(frozen=True)
class Thresholds:
    """A picture passes at these values or above.

    `min_laplacian`: variance of the Laplacian, in squared grey levels of 8 bits.
    `min_gamma`: half the luminance range between the 1st and 99th percentile, in [0, 0.5].
    The defaults are those of the mission's quality gate, in use on HAM10000 pictures of 600x450.

    Raises ValueError for a threshold that is negative or no number.

    Examples:
        >>> Thresholds(min_gamma=0.2)
        Thresholds(min_laplacian=15.0, min_gamma=0.2)
    """

    min_laplacian: float = 15.0
    min_gamma: float = 0.15

    def __post_init__(self) -> None:
        """Refuse thresholds that are no measure's value."""
        for name in ("min_laplacian", "min_gamma"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; a number of at least 0 is accepted")


DEFAULT_THRESHOLDS = Thresholds()
RECOMMENDED_THRESHOLDS = Thresholds(min_laplacian=2.8, min_gamma=0.1)
"""Where poorer pictures cost the classifier accuracy; sharpness at the common working size.

From `python -m studies.gate`; `reports/gate/report.md` shows how.
"""


@dataclass(frozen=True)
class QualityReport:
    """The measures of one picture, the verdict on it, and sentences for the photographer.

    `reasons`: why it was rejected and what to do, one sentence for each of `failed`.
    `notes`: what to bear in mind about the measures, whatever the verdict.
    `recommended_verdict`: that of the mode "recommended", whatever the mode was.

    Examples:
        >>> report = check(np.zeros((450, 600, 3), np.uint8))
        >>> report.width, report.height, report.brightness, report.recommended_verdict
        (600, 450, 0.0, 'reject')
        >>> report.to_dict()["thresholds"]
        {'min_laplacian': 15.0, 'min_gamma': 0.15}
    """

    width: int
    height: int
    laplacian_variance: float
    laplacian_variance_normalised: float
    gamma: float
    brightness: float
    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    failed: tuple[Measure, ...]
    thresholds: Thresholds
    mode: Mode
    recommended_verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types that `json.dumps` accepts."""
        result = asdict(self)
        for name in ("reasons", "notes", "failed"):
            result[name] = list(result[name])
        return result


def check(
    image: NDArray[np.uint8],
    thresholds: Thresholds | None = None,
    mode: Mode = DEFAULT_GATE,
) -> QualityReport:
    """Measure `image` (uint8 (H, W, 3), RGB) and judge it.

    Rejects exactly where sharpness is below `min_laplacian` or contrast below `min_gamma`.
    `mode` says which sharpness is judged: "classic" at the picture's own size, "normalised" and
    "recommended" at the common working size. Without `thresholds` those of the mode hold:
    `RECOMMENDED_THRESHOLDS` for "recommended", the usual ones for the others. Raises ValueError
    for another mode or shape, TypeError for another dtype.

    Examples:
        >>> image = np.full((450, 600, 3), 128, np.uint8)
        >>> image[:, ::2] -= 10
        >>> report = check(image)
        >>> report.verdict, report.failed, round(report.gamma, 3)
        ('reject', ('gamma',), 0.02)
        >>> report.reasons[0]
        'Contrast 0.02 is below 0.15: wipe the lens, press out air bubbles and stray light, and \
expose for the lesion.'
        >>> check(image, Thresholds(min_gamma=0.01)).verdict
        'accept'
    """
    if mode not in GATES:
        raise ValueError(f"mode is {mode!r}; one of {', '.join(GATES)} is accepted")
    if thresholds is None:
        thresholds = default_thresholds(mode)
    image = require_rgb(image)
    height, width = image.shape[:2]
    own = laplacian_variance(image)
    larger = linear_factor(width, height) > 1
    common = laplacian_variance_normalised(image) if larger else own
    contrast = gamma(image)
    light = brightness(image)

    reasons: dict[Measure, str] = {}
    sharpness = own if mode == "classic" else common
    if sharpness < thresholds.min_laplacian:
        reasons["laplacian_variance"] = blurred(sharpness, thresholds.min_laplacian)
    if contrast < thresholds.min_gamma:
        reasons["gamma"] = pale(contrast, thresholds.min_gamma, light)
    notes: list[str] = []
    if is_far(width, height) and not (larger and mode != "classic"):
        notes.append(
            other_resolution(width, height, thresholds.min_laplacian, common if larger else None)
        )
    return QualityReport(
        width=width,
        height=height,
        laplacian_variance=own,
        laplacian_variance_normalised=common,
        gamma=contrast,
        brightness=light,
        verdict="reject" if reasons else "accept",
        reasons=tuple(reasons.values()),
        notes=tuple(notes),
        failed=tuple(reasons),
        thresholds=thresholds,
        mode=mode,
        recommended_verdict="accept" if _is_recommended(common, contrast) else "reject",
    )


def default_thresholds(mode: Mode) -> Thresholds:
    """The thresholds of a mode where none are given."""
    return RECOMMENDED_THRESHOLDS if mode == "recommended" else DEFAULT_THRESHOLDS


def _is_recommended(sharpness: float, contrast: float) -> bool:
    least = RECOMMENDED_THRESHOLDS
    return sharpness >= least.min_laplacian and contrast >= least.min_gamma
