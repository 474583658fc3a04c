"""The outline of the lesion in a picture, by how far colours are from those of the skin around it.

Approximate: `reports/retakes/report.md` has how well it agrees with outlines that people drew.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import RGBImage, require_rgb
from quality.lesion.working import at_area, to_lab

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]

# All lengths below are in pixels at this area, which a picture is scaled to.
WORKING_AREA = 300 * 225
_HAIR, _SPECKLE, _BLUR, _SMOOTH = 7, 5, 2.5, 11
_CORNER_LIGHTNESS, _CORNER_MARGIN = 20.0, 13
# The skin is looked for so near to the edge of the field, as a share of the shorter side.
_RIM = 0.12
# Shadows change lightness more than lesions change hue.
_LIGHTNESS_WEIGHT = 0.6
# Of the threshold that parts skin from lesion best: people draw outlines where the skin begins.
_GENEROUS = 0.6
_CENTRED = 0.5
# What is trusted, chosen on 600 pictures of the train split: see `_require_trust`.
LEAST_FIELD = 0.2
MOST_CUT = 0.25  # share of the edge that lies at the end of the field
LEAST_CONTRAST = 10.0  # in CIELAB, lightness weighing less
LEAST_AGREEMENT = 0.65  # intersection over union


class NoOutline(ValueError):  # noqa: N818 (an answer rather than an error)
    """There is no outline to be trusted; the message says why, for people."""


@dataclass(frozen=True)
class Outline:
    """Where the lesion is.

    mask: bool (h, w), at about `WORKING_AREA` pixels; `field`: what of it shows skin, not the dark
    corners around a round field of view.
    smooth: the picture at that size in CIELAB (float32, L in 0 to 100), hairs closed.
    """

    mask: Mask
    field: Mask
    smooth: NDArray[np.float32]

    @property
    def polygon(self) -> list[tuple[float, float]]:
        """The outline's corners, x and y as shares of the picture's width and height."""
        found, _ = cv2.findContours(
            self.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        longest = cv2.approxPolyDP(max(found, key=len), 0.7, closed=True)[:, 0]
        height, width = self.mask.shape
        return [
            (round(float(x + 0.5) / width, 4), round(float(y + 0.5) / height, 4))
            for x, y in longest
        ]


def find_outline(image: RGBImage) -> Outline:
    """The lesion's outline in `image`, uint8 (H, W, 3), RGB.

    Raises NoOutline where none is to be trusted; ValueError and TypeError for other arrays.

    Examples:
        >>> skin = np.full((225, 300, 3), (220, 180, 160), np.uint8)
        >>> spot = cv2.circle(skin.copy(), (150, 110), 50, (110, 70, 60), -1)
        >>> round(float(find_outline(spot).mask.mean()), 2)
        0.12
        >>> find_outline(skin)
        Traceback (most recent call last):
        quality.lesion.outline.NoOutline: Nothing stands out from the skin clearly enough.
    """
    image = at_area(require_rgb(image), WORKING_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HAIR, _HAIR))
    closed = cv2.medianBlur(cv2.morphologyEx(image, cv2.MORPH_CLOSE, kernel), _SPECKLE)
    smooth = to_lab(np.asarray(closed, np.uint8))
    field = _field(smooth[..., 0])
    if field.mean() < LEAST_FIELD:
        raise NoOutline("The picture is too dark to be measured.")
    apart = _apart(smooth, field)
    threshold = _otsu(apart[field])
    mask = _region(apart, field, _GENEROUS * threshold)
    _require_trust(mask, field, apart, _region(apart, field, threshold))
    return Outline(mask, field, smooth)


def _field(lightness: Plane) -> Mask:
    """All but dark corners, with a margin."""
    dark = (cv2.GaussianBlur(lightness, (0, 0), 2) < _CORNER_LIGHTNESS).astype(np.uint8)
    _, labels = cv2.connectedComponents(dark)
    corners = {int(labels[y, x]) for y in (0, -1) for x in (0, -1)} - {0}
    outside = np.isin(labels, list(corners)).astype(np.uint8)
    margin = np.ones((_CORNER_MARGIN, _CORNER_MARGIN), np.uint8)
    return np.asarray(cv2.dilate(outside, margin) == 0)


def _apart(smooth: NDArray[np.float32], field: Mask) -> Plane:
    """How far each pixel's colour is from the skin's there, in CIELAB; 0 outside the field.

    The skin is a paraboloid, since light falls off to the edges, fitted to the rim of the field
    and, again and again, to what of the rim is near it: a lesion may reach the rim.
    """
    height, width = field.shape
    inside = cv2.distanceTransform(np.pad(field, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rim = field & (inside <= _RIM * min(height, width))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x + y * y], axis=-1)
    skin = rim & (smooth[..., 0] >= np.median(smooth[..., 0][rim]))
    for _ in range(4):
        fitted, *_ = np.linalg.lstsq(terms[skin], smooth[skin], rcond=None)
        away = smooth - terms @ fitted
        distance = np.sqrt((away**2).sum(axis=-1))
        skin = rim & (distance <= 3 * np.median(distance[skin]) + 1)
    away[..., 0] = _LIGHTNESS_WEIGHT * np.minimum(away[..., 0], 0)  # reflections are no lesion
    apart = np.sqrt((away**2).sum(axis=-1)) * field
    return np.asarray(cv2.GaussianBlur(apart.astype(np.float32), (0, 0), _BLUR), np.float32)


def _otsu(values: Plane) -> float:
    """The threshold that parts values into two groups best (Otsu 1979)."""
    most = max(float(np.percentile(values, 99.5)), 1e-3)
    levels = np.clip(values / most * 255, 0, 255).astype(np.uint8).reshape(-1, 1)
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    return float(level) / 255 * most


def _region(apart: Plane, field: Mask, threshold: float) -> Mask:
    """The part above a threshold that is the strongest near the middle, without holes."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SMOOTH, _SMOOTH))
    above = ((apart > threshold) & field).astype(np.uint8)
    opened = cv2.morphologyEx(above, cv2.MORPH_OPEN, kernel)
    count, labels = cv2.connectedComponents(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel))
    height, width = field.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    weights = apart * np.exp(-(x**2 + y**2) / (2 * _CENTRED**2))
    sums = np.bincount(labels.ravel(), weights.ravel(), count)
    sums[0] = 0
    if not sums.any():
        return np.zeros_like(field)
    region = (labels == sums.argmax()).astype(np.uint8)
    edges, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(region, edges, -1, 1, cv2.FILLED) > 0)


def _require_trust(mask: Mask, field: Mask, apart: Plane, strict: Mask) -> None:
    """Raise NoOutline where outlines of this kind were found to be wrong too often.

    strict: the region above the whole threshold, which is alike where an edge is clear.
    """
    if not mask.any() or apart[mask].mean() < LEAST_CONTRAST:
        raise NoOutline("Nothing stands out from the skin clearly enough.")
    edge = mask & (cv2.erode(np.pad(mask, 1).astype(np.uint8), np.ones((3, 3)))[1:-1, 1:-1] == 0)
    ends = np.zeros_like(mask)
    ends[[0, -1]] = ends[:, [0, -1]] = True
    ends |= cv2.dilate((~field).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if (edge & ends).sum() > MOST_CUT * edge.sum():
        raise NoOutline("The lesion reaches beyond the picture.")
    if (strict & mask).sum() < LEAST_AGREEMENT * (strict | mask).sum():
        raise NoOutline("The lesion's edge is not clear enough to be outlined.")
