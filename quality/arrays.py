"""Decoded images as arrays: their type, and the one check that every measure makes of them."""

import numpy as np
from numpy.typing import NDArray

RGBImage = NDArray[np.uint8]
"""A decoded image: (H, W, 3), 8-bit sRGB."""


def require_rgb(image: object) -> RGBImage:
    """`image` itself where it is a non-empty uint8 array of shape (H, W, 3), C-contiguous.

    A view that is not contiguous is copied. Raises TypeError for another dtype and ValueError
    for another shape.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        came = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"image is of type {came}; a uint8 array of shape (H, W, 3) is accepted")
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f"image has shape {image.shape}; (H, W, 3) with at least one pixel is accepted"
        )
    return np.ascontiguousarray(image)
