"""The common working size, at which pictures of different resolutions can be compared."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

WORKING_SIZE = (600, 450)
"""Width and height of the HAM10000 pictures, on which the sharpness threshold 15 is in use."""

FAR = 1.25
"""Linear factor from the working size beyond which the sharpness threshold does not carry over.

Measured on 18 originals of HAM10000: enlarged by 1.25, a picture's Laplacian variance falls to
0.41-0.45 of its value; slightly blurred (Gaussian, sigma 1) and shrunk to 1 / 1.25, it grows to
1.6 times. Between these, 15 means about the same; at a factor of 2 it is off by ten and by six.
"""

# Lanczos after averaging whole blocks down to three times the target: within 2% of Lanczos alone
# and several times faster from 12 megapixels. Averaging alone (INTER_AREA) gives 0.47 to 0.70 of
# the sharpness, by the factor; Lanczos 0.80 to 0.83 at every factor.
_HEADROOM = 3


def linear_factor(width: int, height: int) -> float:
    """How many times larger than the working size a picture is, as a ratio of lengths."""
    return math.sqrt(width * height / (WORKING_SIZE[0] * WORKING_SIZE[1]))


def is_far(width: int, height: int) -> bool:
    """Whether a picture's own sharpness says little beside a threshold for the working size."""
    factor = linear_factor(width, height)
    return not 1 / FAR <= factor <= FAR


def to_working_size(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`image`, uint8 (H, W, 3), scaled down to the area of `WORKING_SIZE` with its aspect kept.

    Where it has no more pixels than that already, it is returned itself.
    """
    height, width = image.shape[:2]
    factor = linear_factor(width, height)
    if factor <= 1:
        return image
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    block = int(factor / _HEADROOM)
    if block > 1 and min(width, height) >= block:
        across, down = width // block, height // block
        whole = image[: down * block, : across * block]
        image = np.asarray(
            cv2.resize(whole, (across, down), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
