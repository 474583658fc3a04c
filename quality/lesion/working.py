"""A picture at the sizes that lesions are measured at."""

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import RGBImage


def at_area(image: RGBImage, area: int) -> RGBImage:
    """`image` scaled to about so many pixels, its proportions kept."""
    height, width = image.shape[:2]
    factor = (area / (width * height)) ** 0.5
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def to_lab(image: RGBImage) -> NDArray[np.float32]:
    """CIELAB of sRGB: float32 (H, W, 3), L in 0 to 100."""
    scaled = image.astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)
