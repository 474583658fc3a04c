"""What goes wrong with a picture, made in a controlled way: blur, lost contrast, colour, noise."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH = 600
"""Widths of blurs are in pixels of pictures that are this wide, as those of HAM10000 are."""


def blurred(image: Picture, sigma: float) -> Picture:
    """Gaussian blur of deviation `sigma`, pixels at a width of 600; 0 leaves it as it is."""
    if sigma <= 0:
        return image
    own = sigma * image.shape[1] / WIDTH
    return np.asarray(cv2.GaussianBlur(image, (0, 0), own), np.uint8)


def faded(image: Picture, contrast: float) -> Picture:
    """Every value moved towards the picture's mean colour; `contrast` is what is left, 0 to 1."""
    mean = image.mean(axis=(0, 1))
    return _clip(mean + contrast * (image - mean))


def tinted(image: Picture, red: float, green: float, blue: float) -> Picture:
    """Channels multiplied: another white balance, or more or less light."""
    return _clip(image * np.array([red, green, blue]))


def grainy(image: Picture, deviation: float) -> Picture:
    """Sensor noise of `deviation` grey levels, the same at every call."""
    noise = np.random.default_rng(0).normal(0, deviation, image.shape)
    return _clip(image + noise)


def compressed(image: Picture, quality: int) -> Picture:
    """Through a JPEG file of `quality`, 1 to 100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def closer(image: Picture, share: float) -> Picture:
    """The middle of the picture, `share` of its height and width."""
    height, width = image.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


# What dermatoscopic pictures from elsewhere may look like; each is still one of skin.
VARIANTS: Mapping[str, Callable[[Picture], Picture]] = MappingProxyType(
    {
        "blurred": lambda image: blurred(image, 3),
        "very blurred": lambda image: blurred(image, 6),
        "faded": lambda image: faded(image, 0.5),
        "dark": lambda image: tinted(image, 0.6, 0.6, 0.6),
        "bluish": lambda image: tinted(image, 0.85, 0.95, 1.15),
        "yellowish": lambda image: tinted(image, 1.1, 1.0, 0.75),
        "grainy": lambda image: grainy(image, 12),
        "compressed": lambda image: compressed(image, 30),
        "closer": lambda image: closer(image, 0.6),
    }
)


def _clip(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
