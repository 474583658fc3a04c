"""Lay a picture of a lesion onto another one of it: turned, shifted and scaled, nothing else.

Points that look alike in both (SIFT) vote for one such map (RANSAC), which is then fitted to the
brightness (ECC). Where enough of the points lie on the skin around the lesion, those alone decide:
a lesion that grew must not be scaled back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import RGBImage, require_rgb
from quality.lesion.working import at_area

Matrix = NDArray[np.float64]
Points = NDArray[np.float32]
Grey = NDArray[np.uint8]
Corners = Sequence[tuple[float, float]]

# Lengths below are in pixels at this area, which pictures are scaled to.
WORKING_AREA = 400 * 300
_FEATURES, _EDGES, _RATIO, _NEAR = 1500, 0.02, 0.8, 4.0
# Of 120 pairs of different lesions none had more than 4 points in common.
LEAST_POINTS = 12
MOST_SCALE = 5.0
# The skin begins outside the outline, which is approximate.
_MARGIN = 0.12
_ECC_STEPS, _ECC_BLUR, _ECC_PULL = 30, 7, 10.0


class NotRegistered(ValueError):  # noqa: N818 (an answer rather than an error)
    """Two pictures cannot be laid onto each other; the message says why, for people."""


@dataclass(frozen=True)
class Registration:
    """How a picture lies on another one.

    matrix: 2 x 3, from pixels of the first to pixels of the second, at their own sizes.
    scale: lengths in the second by lengths in the first; `degrees`: turned clockwise.
    points: how many were found in both at places that fit.
    by: `skin`: points on the skin around the lesion decided; `all`: too few lay there, and a lesion
        that grew alike in all directions would look as it was.
    correlation: of brightness where the pictures overlap, at most 1.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    scale: float
    degrees: float
    points: int
    by: Literal["skin", "all"]
    correlation: float

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types that `json.dumps` accepts."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Registration":
        """From what `to_dict` gave, also after it was JSON."""
        rows = tuple(tuple(map(float, row)) for row in values["matrix"])
        return cls(**{**values, "matrix": rows})


def register(
    first: RGBImage, second: RGBImage, outlines: tuple[Corners, Corners] = ((), ())
) -> Registration:
    """Lay `first` onto `second`, both uint8 (H, W, 3), RGB, of any two sizes.

    outlines: of the lesion in each, as `Measurement.outline`; empty where there is none.

    Raises NotRegistered where too little is found in both; ValueError and TypeError for other
    arrays.
    """
    pictures = [at_area(require_rgb(one), WORKING_AREA) for one in (first, second)]
    greys = [_grey(one) for one in pictures]
    here, there = _matches(*greys)
    matrix, fits = _vote(here, there)
    by: Literal["skin", "all"] = "all"
    skins: list[Grey] = []
    if all(outlines):
        skins = [_skin(grey, corners) for grey, corners in zip(greys, outlines, strict=True)]
        outside = fits & _within(skins[0], here) & _within(skins[1], there)
        if outside.sum() >= LEAST_POINTS and _surround(there[outside], skins[1]):
            matrix, kept = _vote(here[outside], there[outside])
            by, fits = "skin", kept
    matrix, correlation = _refined(matrix, greys, skins if by == "skin" else [])
    own = [_scaling(full, small) for full, small in zip((first, second), pictures, strict=True)]
    whole = np.linalg.inv(own[1]) @ np.vstack([matrix, [0, 0, 1]]) @ own[0]
    scale = float(np.sqrt(abs(np.linalg.det(whole[:2, :2]))))
    rows = [tuple(round(float(value), 6) for value in row) for row in whole[:2]]
    return Registration(
        matrix=(rows[0], rows[1]),  # type: ignore[arg-type]
        scale=round(scale, 5),
        degrees=round(float(np.degrees(np.arctan2(whole[1, 0], whole[0, 0]))), 1),
        points=int(fits.sum()),
        by=by,
        correlation=round(correlation, 3),
    )


def warp(first: RGBImage, registration: Registration, second_size: tuple[int, int]) -> RGBImage:
    """`first` as it lies on the second picture, of that width and height; grey where it ends."""
    matrix = np.array(registration.matrix)
    how = cv2.INTER_AREA if registration.scale < 0.7 else cv2.INTER_LINEAR
    grey = (128, 128, 128)
    return np.asarray(
        cv2.warpAffine(first, matrix, second_size, flags=how, borderValue=grey), np.uint8
    )


def _grey(image: RGBImage) -> Grey:
    """Lightness with its local contrast evened out, since light differs from take to take."""
    lightness = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0]
    return np.asarray(cv2.createCLAHE(3, (8, 8)).apply(lightness), np.uint8)


def _matches(first: Grey, second: Grey) -> tuple[Points, Points]:
    """Points that look alike in both and like nothing else, (N, 2) each."""
    sift = cv2.SIFT.create(_FEATURES, contrastThreshold=_EDGES)
    (here, looks_here), (there, looks_there) = (
        sift.detectAndCompute(grey, None) for grey in (first, second)
    )
    best: dict[int, Any] = {}
    if min(len(here), len(there)) > 1:
        for near, next_near in cv2.BFMatcher(cv2.NORM_L2).knnMatch(looks_here, looks_there, k=2):
            known = best.get(near.trainIdx)
            if near.distance < _RATIO * next_near.distance and (
                known is None or near.distance < known.distance
            ):
                best[near.trainIdx] = near
    pairs = best.values()
    return (
        np.array([here[one.queryIdx].pt for one in pairs], np.float32).reshape(-1, 2),
        np.array([there[one.trainIdx].pt for one in pairs], np.float32).reshape(-1, 2),
    )


def _vote(here: Points, there: Points) -> tuple[Matrix, NDArray[np.bool_]]:
    """The map that most pairs of points fit, (2, 3), and which of them do."""
    matrix = None
    if len(here) >= LEAST_POINTS:
        matrix, fits = cv2.estimateAffinePartial2D(
            here, there, ransacReprojThreshold=_NEAR, maxIters=5000, confidence=0.999
        )
    if matrix is None or fits.sum() < LEAST_POINTS:
        raise NotRegistered(
            "The pictures have too little in common to be laid onto each other: another lesion, "
            "another part of it, or one of them is not sharp."
        )
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    if not 1 / MOST_SCALE <= scale <= MOST_SCALE:
        raise NotRegistered("The pictures are too different in size to be laid onto each other.")
    return np.asarray(matrix), np.asarray(fits[:, 0] > 0)


def _skin(grey: Grey, corners: Corners) -> Grey:
    """255 outside the outline and a margin."""
    height, width = grey.shape
    polygon = np.round(np.array(corners) * (width, height)).astype(np.int32)
    lesion = cv2.fillPoly(np.zeros_like(grey), [polygon], 255)
    size = 2 * round(_MARGIN * np.sqrt(np.count_nonzero(lesion))) + 1
    return np.asarray(255 - cv2.dilate(lesion, np.ones((size, size), np.uint8)), np.uint8)


def _within(mask: Grey, points: Points) -> NDArray[np.bool_]:
    x, y = np.clip(points.round().astype(int).T, 0, np.array(mask.shape)[::-1, None] - 1)
    return np.asarray(mask[y, x] > 0)


def _surround(points: Points, skin: Grey) -> bool:
    """Whether points lie on more than one side of the lesion: on one alone, scale is a guess."""
    y, x = np.nonzero(skin == 0)
    around = points - (x.mean(), y.mean())
    sides = {(bool(dx > 0), bool(dy > 0)) for dx, dy in around}
    return len(sides) >= 3


def _refined(matrix: Matrix, greys: list[Grey], skins: Sequence[Grey]) -> tuple[Matrix, float]:
    """The map turned and shifted so that brightness agrees best, and the correlation then.

    The scale stays: an edge of the lesion that moved would pull at it.
    """
    first, second = greys
    size = second.shape[::-1]
    laid = _laid(first, matrix, size)
    shown = _laid(np.full_like(first, 255), matrix, size)
    for skin, lies in zip(skins, (matrix, np.eye(2, 3)), strict=False):
        shown = np.minimum(shown, _laid(skin, lies, size))
    shown[shown < 255] = 0
    before = _correlation(second, laid, shown)
    step = np.eye(2, 3, dtype=np.float32)
    ends = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ECC_STEPS, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            second, laid, step, cv2.MOTION_EUCLIDEAN, ends, shown, _ECC_BLUR
        )
    except cv2.error:  # it does not converge: what the points say stands
        return matrix, before
    # The step maps pixels of the second to pixels of what was laid onto it.
    back = cv2.invertAffineTransform(found)
    moved = np.asarray((np.vstack([back, [0, 0, 1]]) @ np.vstack([matrix, [0, 0, 1]]))[:2])
    after = _correlation(second, _laid(first, moved, size), shown)
    if after <= before or np.hypot(*back[:, 2]) > _ECC_PULL:
        return matrix, before
    return moved, after


def _laid(grey: Grey, matrix: Matrix, size: Sequence[int]) -> Grey:
    return np.asarray(cv2.warpAffine(grey, matrix, size), np.uint8)


def _correlation(first: Grey, second: Grey, shown: Grey) -> float:
    one, other = (cv2.GaussianBlur(grey, (0, 0), 2)[shown > 0] for grey in (first, second))
    if one.size < 2 or not one.std() or not other.std():
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _scaling(full: RGBImage, small: RGBImage) -> Matrix:
    """From pixels of a picture to pixels of it scaled down, centres of pixels being whole."""
    x, y = small.shape[1] / full.shape[1], small.shape[0] / full.shape[0]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
