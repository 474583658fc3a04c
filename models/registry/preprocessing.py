"""From a decoded picture to a network's input; one definition for training and serving."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

INTERPOLATIONS = ("area",)


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the input of a network.

    input_size: height and width of the input, pixels.
    mean, std: per channel, RGB, for values scaled to 0..1.
    interpolation: `area`: OpenCV's INTER_AREA where the picture shrinks, which averages and so
        does not alias, and INTER_LINEAR where it grows.

    >>> preprocessing = Preprocessing(2, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    >>> square = preprocessing.resize(np.full((450, 600, 3), 255, np.uint8))
    >>> square.shape
    (2, 2, 3)
    >>> batch = preprocessing.normalise(square[None])
    >>> batch.shape, batch.dtype, float(batch.max())
    ((1, 3, 2, 2), dtype('float32'), 1.0)
    """

    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "area"

    def __post_init__(self) -> None:
        if self.input_size < 1:
            raise ValueError(f"input_size must be at least 1 pixel, got {self.input_size}")
        if {len(self.mean), len(self.std)} != {3} or min(self.std) <= 0:
            raise ValueError(
                f"mean and std must hold three values, std above 0; got {self.mean}, {self.std}"
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation {self.interpolation!r} is not one of {', '.join(INTERPOLATIONS)}"
            )

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The whole picture, stretched to a square: (H, W, 3) uint8 to (S, S, 3) uint8.

        No crop: a lesion at the border counts, and the networks are trained on pictures whose
        aspect was changed in the same way.
        """
        size = self.input_size
        height, width = image.shape[:2]
        if (height, width) == (size, size):
            return image
        shrinks = height >= size and width >= size
        resized = cv2.resize(
            image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        return np.asarray(resized, np.uint8)

    def normalise(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, S, S, 3) uint8 RGB to (N, 3, S, S) float32 with `mean` and `std` taken out."""
        mean = np.asarray(self.mean, np.float32)
        std = np.asarray(self.std, np.float32)
        scaled = (batch.astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored on a checkpoint's card."""
        return {
            "input_size": self.input_size,
            "mean": list(self.mean),
            "std": list(self.std),
            "interpolation": self.interpolation,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Preprocessing":
        """Inverse of `to_dict`."""
        return cls(
            int(data["input_size"]),
            _triple(data["mean"]),
            _triple(data["std"]),
            str(data["interpolation"]),
        )


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
