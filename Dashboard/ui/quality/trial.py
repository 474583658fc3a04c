"""A picture spoilt by as much as somebody asks for, and what the gate says of it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import quality
from Dashboard.assess.thumbnails import data_url, encode_jpeg
from quality.degradations import WIDTH, blurred, faded

MOST_BLUR = 9.0
"""Deviation of the blur in pixels at a width of 600; the study's strongest."""
LEAST_CONTRAST = 0.1
SHOWN_QUALITY = 88


@dataclass(frozen=True)
class Trial:
    """What came out.

    picture: a data URL.
    """

    picture: str
    report: quality.QualityReport


def small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of any size, shrunk to a width of 600 where it is larger: (H, W, 3), RGB."""
    height, width = image.shape[:2]
    scale = WIDTH / width
    if scale >= 1:
        return image
    size = (WIDTH, max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def try_out(image: NDArray[np.uint8], blur: float, contrast: float, mode: quality.Mode) -> Trial:
    """Blur and fade a picture and measure it.

    image: as of `small`.
    blur: deviation in pixels at a width of 600, 0 to `MOST_BLUR`.
    contrast: what is left of it, `LEAST_CONTRAST` to 1.

    Raises:
        ValueError: one of the two is out of its range, or no number.
    """
    if not 0 <= blur <= MOST_BLUR:
        raise ValueError(f"blur must be a number from 0 to {MOST_BLUR:g}, got {blur}")
    if not LEAST_CONTRAST <= contrast <= 1:
        raise ValueError(f"contrast must be a number from {LEAST_CONTRAST:g} to 1, got {contrast}")
    spoilt = blurred(image, blur)
    if contrast < 1:
        spoilt = faded(spoilt, contrast)
    report = quality.check(spoilt, mode=mode)
    return Trial(data_url(encode_jpeg(spoilt, SHOWN_QUALITY)), report)
