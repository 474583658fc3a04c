"""Sharpness: higher is sharper, 0 for a constant picture; it has no upper limit of use."""

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import require_rgb
from quality.resolution import to_working_size

_BAND_PIXELS = 2**16


def laplacian_variance(image: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian over all pixels and the three channels; higher is sharper.

    Equal to `cv2.Laplacian(image, cv2.CV_64F).var()`, without its float64 pictures: the Laplacian
    of 8-bit values lies in [-1020, 1020], so 16-bit integers hold it exactly, and the variance
    follows from two exact integer sums. It depends on the resolution: see
    `laplacian_variance_normalised`.

    `image`: uint8 (H, W, 3), RGB. In squared grey levels of 8 bits. Source: Pech-Pacheco et al.,
    "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000,
    doi:10.1109/ICPR.2000.903548.

    Examples:
        >>> image = np.full((450, 600, 3), 128, np.uint8)
        >>> laplacian_variance(image)
        0.0
        >>> image[:, ::2] -= 10  # stripes of one pixel: the Laplacian is 20 or -20 throughout
        >>> laplacian_variance(image)
        400.0
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

    A picture of more pixels than 600x450 is first scaled down to that area, its aspect kept, so
    that photographs taken at different resolutions can be compared: one photograph enlarged 1.02
    to 6 times gives 0.75 to 0.9 of its own value at every factor, where its variance at its own
    size falls to a hundredth. A smaller picture is measured as it is: enlarging it adds no
    detail, and would leave a tenth of a sharp picture's value.

    `image`: uint8 (H, W, 3), RGB. In squared grey levels of 8 bits.

    Examples:
        >>> image = np.zeros((900, 1200, 3), np.uint8)
        >>> image[:, 600:] = 255
        >>> round(laplacian_variance(image)), round(laplacian_variance_normalised(image))
        (108, 152)
    """
    return laplacian_variance(to_working_size(require_rgb(image)))


def _sums(values: NDArray[np.int16]) -> tuple[int, int]:
    """Sum and sum of squares of an int16 (H, W, 3) array, exactly."""
    flat = values.reshape(len(values), -1)
    # OpenCV adds integers in float64 and, for the norm, takes the root of the sum and squares it
    # again; below 2**50 rounding to the nearest integer restores the sum.
    return round(cv2.sumElems(flat)[0]), round(cv2.norm(flat, cv2.NORM_L2SQR))
