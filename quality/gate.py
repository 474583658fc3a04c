"""The gate: which pictures are good enough to be classified, and what to do about the others."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb
from quality.contrast import gamma
from quality.exposure import brightness
from quality.sharpness import WORKING_SIZE, laplacian_variance, laplacian_variance_normalised

Mode = Literal["classic", "normalised"]
Verdict = Literal["accept", "reject"]
GATES: tuple[Mode, ...] = ("classic", "normalised")

RESOLUTION_FACTOR = 1.5
"""A picture is far from 600x450 when its linear size differs by more than this factor."""


@dataclass(frozen=True)
class Thresholds:
    """A picture passes at these values or above.

    `min_laplacian`: variance of the Laplacian, in squared grey levels of 8 bits.
    `min_gamma`: half the luminance range between the 1st and 99th percentile, in [0, 0.5].
    """

    min_laplacian: float = 15.0
    min_gamma: float = 0.15


@dataclass(frozen=True)
class QualityReport:
    """The measures of one picture, the verdict on it, and sentences for the photographer."""

    width: int
    height: int
    laplacian_variance: float
    laplacian_variance_normalised: float
    gamma: float
    brightness: float
    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    thresholds: Thresholds
    mode: Mode

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types that `json.dumps` accepts."""
        result = asdict(self)
        for name in ("reasons", "notes", "failed"):
            result[name] = list(result[name])
        return result


def check(
    image: NDArray[np.uint8],
    thresholds: Thresholds = Thresholds(),
    mode: Mode = "classic",
) -> QualityReport:
    """Measure `image` (uint8 (H, W, 3), RGB) and judge it.

    Rejects exactly where sharpness is below `min_laplacian` or contrast below `min_gamma`.
    `mode` says which sharpness is judged: "classic" at the picture's own size, "normalised" at
    the common working size. Raises ValueError for another mode.
    """
    if mode not in GATES:
        raise ValueError(f"mode is {mode!r}; one of {', '.join(GATES)} is accepted")
    image = require_rgb(image)
    height, width = image.shape[:2]
    own = laplacian_variance(image)
    common = own if (width, height) == WORKING_SIZE else laplacian_variance_normalised(image)
    contrast = gamma(image)
    light = brightness(image)
    sharpness = own if mode == "classic" else common
    reasons: list[str] = []
    failed: list[str] = []
    if sharpness < thresholds.min_laplacian:
        failed.append("laplacian_variance")
        reasons.append(
            f"Sharpness {sharpness:.1f} is below {thresholds.min_laplacian:g}: hold the "
            "dermatoscope still and in contact with the skin, focus again, and wipe the lens."
        )
    if contrast < thresholds.min_gamma:
        failed.append("gamma")
        reasons.append(
            f"Contrast {contrast:.3f} is below {thresholds.min_gamma:g}: switch the "
            "dermatoscope's light on, avoid glare, and set the exposure on the lesion."
        )
    return QualityReport(
        width=width,
        height=height,
        laplacian_variance=own,
        laplacian_variance_normalised=common,
        gamma=contrast,
        brightness=light,
        verdict="reject" if failed else "accept",
        reasons=tuple(reasons),
        notes=(),
        failed=tuple(failed),
        thresholds=thresholds,
        mode=mode,
    )
