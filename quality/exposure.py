"""Brightness: higher is brighter, 0 for black and 255 for white."""

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb


def brightness(image: NDArray[np.uint8]) -> float:
    """Mean of the HSV value channel, in [0, 255]; higher is brighter.

    The value of a pixel is the largest of its three channels (Smith, "Color gamut transform
    pairs", SIGGRAPH 1978).

    `image`: uint8 (H, W, 3), RGB.

    Examples:
        >>> brightness(np.full((2, 2, 3), (200, 120, 90), np.uint8))
        200.0
    """
    image = require_rgb(image)
    red, green, blue = cv2.split(image)
    value = cv2.max(cv2.max(red, green), blue)
    return float(cv2.sumElems(value)[0]) / value.size
