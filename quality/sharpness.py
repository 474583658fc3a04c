"""Sharpness: higher is sharper, 0 for a constant picture; it has no upper limit of use."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb

WORKING_SIZE = (600, 450)
"""Width and height, in pixels, of the pictures the sharpness threshold was set on (HAM10000)."""

_BAND_PIXELS = 2**18


def laplacian_variance(image: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian over all pixels and the three channels; higher is sharper.

    Equal to `cv2.Laplacian(image, cv2.CV_64F).var()`, without its two float64 pictures: the
    Laplacian of 8-bit values lies in [-1020, 1020], so 16-bit integers hold it exactly, and the
    variance follows from two exact integer sums. The value depends on the resolution: see
    `laplacian_variance_normalised`.

    `image`: uint8 (H, W, 3), RGB. Source: Pech-Pacheco et al., "Diatom autofocusing in
    brightfield microscopy: a comparative study", ICPR 2000, doi:10.1109/ICPR.2000.903548.
    """
    image = require_rgb(image)
    height, width = image.shape[:2]
    rows = max(1, _BAND_PIXELS // width)
    total = squares = 0
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        # One row more on each side, so that the band's own rows see their true neighbours.
        first = max(top - 1, 0)
        band = np.asarray(cv2.Laplacian(image[first : bottom + 1], cv2.CV_16S), dtype=np.int16)
        band_total, band_squares = _sums(band[top - first : bottom - first])
        total += band_total
        squares += band_squares
    count = image.size
    return (count * squares - total * total) / (count * count)


def laplacian_variance_normalised(image: NDArray[np.uint8]) -> float:
    """`laplacian_variance` at the common working size; higher is sharper.

    The picture is scaled to the area of 600x450 pixels with its aspect kept, so that photographs
    of one lesion taken at different resolutions can be compared. A picture of that area already
    is measured as it is. An enlarged picture scores low: it holds no detail at that size.

    `image`: uint8 (H, W, 3), RGB.
    """
    image = require_rgb(image)
    return laplacian_variance(to_working_size(image))


def to_working_size(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`image` scaled to the area of `WORKING_SIZE`, aspect kept; itself where that is its size."""
    height, width = image.shape[:2]
    scale = math.sqrt(WORKING_SIZE[0] * WORKING_SIZE[1] / (width * height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image
    shrinks = scale < 1
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _sums(values: NDArray[np.int16]) -> tuple[int, int]:
    """Sum and sum of squares of an int16 (H, W, 3) array, exactly."""
    flat = values.reshape(len(values), -1)
    # OpenCV adds integers in float64 and, for the norm, takes the root of the sum and squares it
    # again; below 2**50 rounding to the nearest integer restores the sum.
    return round(cv2.sumElems(flat)[0]), round(cv2.norm(flat, cv2.NORM_L2SQR))
