"""What spoils a picture, in steps: blur and loss of contrast, as the gate's study makes them."""

import cv2
import numpy as np
from numpy.typing import NDArray

RGBImage = NDArray[np.uint8]

WIDTH = 600
"""Widths of blurs are in pixels of pictures that are this wide, as those of HAM10000 are."""


def blurred(image: RGBImage, sigma: float) -> RGBImage:
    """Gaussian blur of deviation `sigma`, pixels at a width of 600; 0 leaves it as it is.

    `image`: uint8 (H, W, 3), RGB.

    Examples:
        >>> flat = np.full((4, 6, 3), 90, np.uint8)
        >>> bool((blurred(flat, 50.0) == flat).all())
        True
    """
    if sigma <= 0:
        return image
    own = sigma * image.shape[1] / WIDTH
    return np.asarray(cv2.GaussianBlur(image, (0, 0), own), np.uint8)


def faded(image: RGBImage, contrast: float) -> RGBImage:
    """Every value moved towards the picture's mean colour; `contrast` is what is left, 0 to 1.

    `image`: uint8 (H, W, 3), RGB.

    Examples:
        >>> image = np.zeros((1, 2, 3), np.uint8)
        >>> image[0, 1] = 200
        >>> faded(image, 0.5)[0, :, 0].tolist()
        [50, 150]
    """
    mean = image.mean(axis=(0, 1))
    values = mean + contrast * (image - mean)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
