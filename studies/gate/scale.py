"""Sharpness at the common working size, estimated for images that are smaller."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quality.resolution import is_far
from quality.sharpness import laplacian_variance
from retraining.transforms.corruptions import blurred

BLURS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0)
"""Deviations of the blur, pixels at a width of 600."""

Image = NDArray[np.uint8]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Relation:
    """Sharpness at the common working size from that of the same image at a smaller size.

    `exp(offset + slope * log(small))` with an offset for each blur, in the order of `BLURS`,
    because shrinking hides a little blur and not much of a strong one. Fitted on `n` originals;
    `spread` is the standard deviation of the logarithm around it.
    """

    offsets: tuple[float, ...]
    slope: float
    spread: float
    n: int

    def __call__(self, sharpness: Values, blur: Values) -> Values:
        """Estimated sharpness at the working size of images with these blurs of `BLURS`."""
        offsets = np.array(self.offsets)[np.searchsorted(BLURS, blur)]
        return np.asarray(np.exp(offsets + self.slope * np.log(np.maximum(sharpness, 1e-3))))


def relate(originals: Sequence[Image], size: tuple[int, int]) -> Relation:
    """How sharpness at `size` (width, height) relates to that of the originals, at every blur.

    originals: (H, W, 3) uint8, of about 600 x 450.
    """
    large, small = [], []
    for image in originals:
        for sigma in BLURS:
            poor = blurred(image, sigma)
            large.append(laplacian_variance(poor))
            shrunk = cv2.resize(poor, size, interpolation=cv2.INTER_AREA)
            small.append(laplacian_variance(np.asarray(shrunk, np.uint8)))
    shape = (len(originals), len(BLURS))
    x = np.log(np.maximum(small, 1e-3)).reshape(shape)
    y = np.log(np.maximum(large, 1e-3)).reshape(shape)
    # One slope within the blurs, then the offset of each.
    within = x - x.mean(axis=0)
    slope = float((within * y).sum() / max(float((within**2).sum()), 1e-12))
    offsets = (y - slope * x).mean(axis=0)
    spread = float((y - slope * x - offsets).std())
    return Relation(tuple(float(v) for v in offsets), slope, spread, len(originals))


def at_working_size(
    table: pd.DataFrame, size: tuple[int, int], originals: Sequence[Image]
) -> tuple[pd.DataFrame, Relation | None]:
    """`table` with `sharpness` at the common working size, and how that was estimated.

    size: of the images that were measured. Raises ValueError where it is far from the working
    size and there are no originals.
    """
    if not is_far(*size):
        return table, None
    if not originals:
        raise ValueError(no_originals(size))
    relation = relate(originals, size)
    blur = np.where(table.kind == "blur", table.level, 0.0)
    return table.assign(sharpness=relation(table.sharpness.to_numpy(), blur)), relation


def no_originals(size: tuple[int, int]) -> str:
    """The sentence for images of `size` whose sharpness cannot be related."""
    return (
        f"the images are {size[0]} x {size[1]}, at which sharpness says little; give "
        "--originals, a folder of images of about 600 x 450"
    )
