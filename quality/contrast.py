"""Contrast: higher is more contrast, 0 for a constant picture, 0.5 where black and white meet."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb

LUMINANCE_WEIGHTS = (0.2125, 0.7154, 0.0721)
"""Weights of R, G, B in luminance, those of `skimage.color.rgb2gray` (Poynton, Color FAQ)."""

_LOW, _HIGH = 0.01, 0.99

# Luminance in steps of 1/16384, from integer weights: exact in float32, and so are the bins.
_INTEGER_WEIGHTS = np.array([[2125, 7154, 721]], dtype=np.float32)
_BIN_SCALE = 2.0**-14

# Pixels worked on at a time: few enough for the processor's cache where float copies are made of
# them, many where there is little to compute.
_COARSE_BAND, _SEARCH_BAND = 2**15, 2**19


def gamma(image: NDArray[np.uint8]) -> float:
    """Half the distance between the 1st and 99th percentile of luminance, in [0, 0.5].

    It is the `fraction_threshold` above which `skimage.exposure.is_low_contrast` calls the RGB
    picture one of low contrast: False at the value itself, True at the next larger float.
    Half, because that function relates the range of a *float* luminance, which lies in [0, 1],
    to [-1, 1].

    `image`: uint8 (H, W, 3), RGB.

    The percentiles are found without sorting the picture: a histogram of coarse luminance tells
    in which bin each lies, and only that bin's colours are computed in float64, the way
    scikit-image does it, so that the result agrees to the last bit where the linear algebra
    library treats all pixels alike, and to a few units in the last place elsewhere.

    Examples:
        >>> image = np.zeros((4, 6, 3), np.uint8)
        >>> gamma(image)
        0.0
        >>> image[:, 3:] = 255
        >>> gamma(image)
        0.5
    """
    image = require_rgb(image)
    coarse, counts = _coarse_luminance(image)
    low = _percentile(image, coarse, counts, _LOW)
    high = _percentile(image, coarse, counts, _HIGH)
    return (high - low) / 2


def _coarse_luminance(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Luminance as a bin number (H, W), never decreasing with luminance, and pixels per bin."""
    coarse = np.empty(image.shape[:2], dtype=np.uint8)
    counts = np.zeros(256, dtype=np.int64)
    for rows in _bands(image, _COARSE_BAND):
        luminance = cv2.transform(image[rows].astype(np.float32), _INTEGER_WEIGHTS)
        coarse[rows] = cv2.convertScaleAbs(luminance, alpha=_BIN_SCALE)
        counts += cv2.calcHist([coarse[rows]], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return coarse, counts


def _percentile(
    image: NDArray[np.uint8],
    coarse: NDArray[np.uint8],
    counts: NDArray[np.int64],
    fraction: float,
) -> float:
    """Quantile of luminance, interpolated linearly and rounded as `numpy.percentile` does."""
    last = coarse.size - 1
    index = last * fraction
    rank = math.floor(index)
    ends = np.cumsum(counts)
    first_bin, next_bin = np.searchsorted(ends, [rank, min(rank + 1, last)], side="right")
    luminance, repeats = _luminances(image, coarse, int(first_bin), int(next_bin))
    positions = np.cumsum(repeats) + (ends[first_bin] - counts[first_bin])
    below, above = luminance[
        np.searchsorted(positions, [rank, min(rank + 1, last)], side="right")
    ].tolist()
    weight, step = index - rank, above - below
    return float(below + step * weight if weight < 0.5 else above - step * (1 - weight))


def _luminances(
    image: NDArray[np.uint8], coarse: NDArray[np.uint8], first_bin: int, next_bin: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Luminances in [0, 1] of the pixels in two bins, ascending, and how often each occurs."""
    found: list[NDArray[np.uint32]] = []
    repeats: list[NDArray[np.int64]] = []
    for rows in _bands(image, _SEARCH_BAND):
        part = coarse[rows].ravel()
        chosen = part == first_bin
        if next_bin != first_bin:
            chosen |= part == next_bin
        positions = np.flatnonzero(chosen)
        packed = np.zeros((len(positions), 4), dtype=np.uint8)
        packed[:, :3] = image[rows].reshape(-1, 3)[positions]
        colours, times = np.unique(packed.view(np.uint32), return_counts=True)
        found.append(colours)
        repeats.append(times)
    rgb = np.concatenate(found).view(np.uint8).reshape(-1, 4)[:, :3]
    luminance = _luminance(rgb, image.shape[1])
    order = np.argsort(luminance)
    return luminance[order], np.concatenate(repeats)[order]


def _luminance(rgb: NDArray[np.uint8], width: int) -> NDArray[np.float64]:
    """Luminance in [0, 1] of colours (N, 3), rounded as in a picture of that width."""
    scaled = np.multiply(rgb, 1.0 / 255.0, dtype=np.float64)
    weights = np.array(LUMINANCE_WEIGHTS)
    # Rows of one pixel are multiplied by another routine of the library than longer rows are,
    # and it may round the last bit differently.
    if width == 1:
        return np.asarray(scaled[:, None] @ weights)[:, 0]
    return np.asarray(np.concatenate([scaled, scaled[:1]]) @ weights)[:-1]


def _bands(image: NDArray[np.uint8], pixels: int) -> list[slice]:
    """Slices of whole rows, of about so many pixels, that together cover the picture."""
    height, width = image.shape[:2]
    rows = max(1, pixels // width)
    return [slice(top, top + rows) for top in range(0, height, rows)]
