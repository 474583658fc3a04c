"""What a method is given to work with. Needs no torch itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.attribution.progress import Meter
from interpretability.attribution.target import Target
from interpretability.method import Number
from models.registry.preprocessing import Preprocessing
from quality.arrays import RGBImage

if TYPE_CHECKING:
    from interpretability.attribution.networks import Networks

Scores = Callable[[RGBImage], NDArray[np.float64]]
_RING = 0.06
_BLUR = 0.1


@dataclass(frozen=True)
class Task:
    """A picture to explain.

    picture: (H, W, 3) uint8 RGB, the user's own, or a smaller copy; the map gets its size.
    square: (S, S, 3) uint8, the whole picture as the network sees it.
    preprocessing: that made it.
    target: whose score is explained.
    settings: the method's parameters.
    scores: the target's scores (N,) of squares (N, S, S, 3), from the served model.
    networks: gives the torch networks, for gradients.
    meter: to be told of every picture that ran through a network.
    bfloat16: whether gradients are computed in bfloat16.
    """

    picture: RGBImage
    square: RGBImage
    preprocessing: Preprocessing
    target: Target
    settings: Mapping[str, Number]
    scores: Scores
    networks: "Callable[[], Networks]"
    meter: Meter
    bfloat16: bool = True


def at_most(picture: RGBImage, pixels: int) -> RGBImage:
    """The picture, averaged down to at most so many pixels where it has more, in its own shape."""
    height, width = picture.shape[:2]
    scale = (pixels / (height * width)) ** 0.5
    if scale >= 1:
        return picture
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def skin(square: RGBImage) -> RGBImage:
    """The plain picture that stands for "no lesion": the median colour of the border, (S, S, 3).

    Black, the usual choice, is a poor one here: against black, a dark pigment network counts for
    nothing, whatever the network makes of it.
    """
    size = len(square)
    ring = max(1, round(size * _RING))
    border = np.ones((size, size), bool)
    border[ring:-ring, ring:-ring] = False
    colour = np.median(square[border], axis=0)
    return np.broadcast_to(np.rint(colour).astype(np.uint8), square.shape).copy()


def blurred(square: RGBImage) -> RGBImage:
    """The picture without detail: Gaussian blur of a tenth of the side, (S, S, 3)."""
    return np.asarray(cv2.GaussianBlur(square, (0, 0), _BLUR * len(square)), np.uint8)


def plain(square: RGBImage) -> RGBImage:
    """The picture's mean colour, (S, S, 3)."""
    mean = np.rint(square.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, square.shape).copy()
