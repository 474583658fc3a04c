"""Contrast: higher is more contrast, 0 for a constant picture, 0.5 for the full range."""

import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb


def gamma(image: NDArray[np.uint8]) -> float:
    """Half the distance between the 1st and 99th percentile of luminance, in [0, 0.5].

    `image`: uint8 (H, W, 3), RGB.
    """
    image = require_rgb(image)
    luminance = np.multiply(image, 1 / 255) @ np.array([0.2125, 0.7154, 0.0721])
    low, high = np.percentile(luminance, [1, 99])
    return float((high - low) / 2)
