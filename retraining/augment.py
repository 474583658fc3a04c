"""Random changes that a dermatoscopic picture may undergo without changing its diagnosis."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; 0 turns one off.

    rotation: uniform in plus or minus so many degrees.
    zoom: the logarithm of the scale is uniform in plus or minus this.
    aspect: the logarithm of width over height is uniform in plus or minus this: training
        pictures come in one shape, users' in any, and all are stretched to a square.
    shift: uniform in plus or minus this share of the side.
    flip: probability of each mirror axis.
    brightness, contrast: factors uniform in 1 plus or minus this.
    cast: every channel's factor is uniform in 1 plus or minus this (illuminant and camera).
    saturation: factor of the distance to grey, uniform in 1 plus or minus this.
    gamma: the logarithm of the exponent is uniform in plus or minus this.
    """

    rotation: float = 180.0
    zoom: float = 0.25
    aspect: float = 0.3
    shift: float = 0.08
    flip: float = 0.5
    brightness: float = 0.15
    contrast: float = 0.2
    cast: float = 0.08
    saturation: float = 0.25
    gamma: float = 0.2

    def __call__(
        self, pictures: NDArray[np.uint8], size: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """(N, H, W, 3) uint8 to (N, size, size, 3) uint8, each picture changed by itself."""
        warped = np.empty((len(pictures), size, size, 3), np.uint8)
        for picture, target in zip(pictures, warped, strict=True):
            target[:] = self.warp(picture, size, rng)
        return self.recolour(warped, rng)

    def warp(
        self, picture: NDArray[np.uint8], size: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Rotate, zoom, stretch, shift and mirror in one interpolation."""
        height, width = picture.shape[:2]
        angle = np.deg2rad(rng.uniform(-self.rotation, self.rotation))
        scale = np.exp(rng.uniform(-self.zoom, self.zoom))
        stretch = np.exp(rng.uniform(-self.aspect, self.aspect) / 2)
        mirror = np.where(rng.random(2) < self.flip, -1.0, 1.0)
        shift = rng.uniform(-self.shift, self.shift, 2) * size
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[cos, -sin], [sin, cos]])
        # Stretched after the rotation as users' pictures are: their own axes are the square's.
        linear = np.diag([scale * stretch, scale / stretch]) @ rotation @ np.diag(mirror)
        linear = linear @ np.diag([size / width, size / height])
        centre = np.array([width - 1, height - 1]) / 2
        offset = (size - 1) / 2 + shift - linear @ centre
        warped = cv2.warpAffine(
            picture,
            np.column_stack([linear, offset]),
            (size, size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(warped, np.uint8)

    def recolour(self, pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Change exposure, contrast, saturation and colour cast of (N, H, W, 3) uint8."""
        shape = (len(pictures), 1, 1, 1)

        def factor(strength: float, last: int = 1) -> NDArray[np.float32]:
            drawn = rng.uniform(1 - strength, 1 + strength, (len(pictures), 1, 1, last))
            return drawn.astype(np.float32)

        values = pictures.astype(np.float32) / np.float32(255)
        exponent = np.exp(rng.uniform(-self.gamma, self.gamma, shape)).astype(np.float32)
        values = values**exponent
        grey = values.mean(axis=3, keepdims=True)
        values = grey + (values - grey) * factor(self.saturation)
        mean = values.mean(axis=(1, 2, 3), keepdims=True)
        values = mean + (values - mean) * factor(self.contrast)
        values *= factor(self.brightness) * factor(self.cast, last=3)
        return np.asarray(np.clip(values * 255 + 0.5, 0, 255), np.uint8)
