"""Corruptions of photographs from elsewhere, drawn at random for training pictures.

A network that never met them is thrown by hairs, by the vignette of a lens, by a light from
one side, by noise and by hard compression; the colours are the business of `augmentation`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from retraining.transforms.corruptions import (
    RGBImage,
    blurred,
    compressed,
    hair,
    illumination_gradient,
    vignette,
)

Numbers = NDArray[np.float64]
Corruption = tuple[str, Numbers]  # its name and `NUMBERS` uniform random numbers in 0..1

NUMBERS = 5
MOST_GRADIENT = 0.45  # of the light, from the middle to the border
MOST_HAIRS = 25
MOST_BLUR = 3.5  # deviation in pixels of a picture that is 600 wide
MOST_NOISE = 12.0  # deviation in grey levels
RADII = (0.9, 1.35)  # of the circle that a lens leaves, in half widths
MOST_SOFTNESS = 0.6
POOREST_JPEG, FINEST_JPEG = 20, 90
TILE = 1024
# Drawn once: a normal number for every pixel of every picture would cost more than all the rest.
_NOISE = np.random.default_rng(0).standard_normal((TILE, TILE), np.float32)


def draw(count: int, share: float, rng: np.random.Generator) -> tuple[tuple[Corruption, ...], ...]:
    """For each of `count` pictures its corruptions; each occurs with probability `share`."""
    there = rng.random((count, len(CORRUPTIONS))) < share
    numbers = rng.random((count, len(CORRUPTIONS), NUMBERS))
    return tuple(
        tuple((name, of[i]) for i, name in enumerate(CORRUPTIONS) if occurs[i])
        for occurs, of in zip(there, numbers, strict=True)
    )


def apply(picture: RGBImage, corruptions: tuple[Corruption, ...]) -> RGBImage:
    """(H, W, 3) uint8 with its corruptions, in the order in which a camera adds them."""
    for name, numbers in corruptions:
        picture = CORRUPTIONS[name](picture, numbers)
    return picture


def _illumination_gradient(picture: RGBImage, numbers: Numbers) -> RGBImage:
    return illumination_gradient(picture, MOST_GRADIENT * numbers[0], 360 * numbers[1])


def _hair(picture: RGBImage, numbers: Numbers) -> RGBImage:
    count = 1 + int(MOST_HAIRS * numbers[0] ** 2)  # many are rare
    return hair(picture, count, seed=int(2**31 * numbers[1]), light=numbers[2] < 0.2)


def _vignette(picture: RGBImage, numbers: Numbers) -> RGBImage:
    radius = RADII[0] + (RADII[1] - RADII[0]) * numbers[0]
    middle = (0.1 * (2 * numbers[1] - 1), 0.1 * (2 * numbers[2] - 1))
    return vignette(picture, radius, MOST_SOFTNESS * numbers[3] ** 2, middle)


def _blurred(picture: RGBImage, numbers: Numbers) -> RGBImage:
    return blurred(picture, MOST_BLUR * numbers[0])


def _noisy(picture: RGBImage, numbers: Numbers) -> RGBImage:
    """Noise of all three channels from shifted windows of one tile, grey or coloured."""
    height, width = picture.shape[:2]
    deviation = np.float32(MOST_NOISE * numbers[0])
    same = numbers[1] < 0.3  # brightness alone
    changed = picture.astype(np.float32)
    for channel in range(3):
        shift = (numbers[2:4] * (1 if same else (1, 0.7, 0.4)[channel]) * TILE).astype(int)
        rows, columns = (np.arange(n) + s for n, s in zip((height, width), shift, strict=True))
        noise = _NOISE[np.ix_(rows % TILE, columns % TILE)]
        changed[..., channel] += deviation * noise
    return np.asarray(np.clip(changed + 0.5, 0, 255), np.uint8)


def _compressed(picture: RGBImage, numbers: Numbers) -> RGBImage:
    return compressed(picture, round(POOREST_JPEG + (FINEST_JPEG - POOREST_JPEG) * numbers[0]))


CORRUPTIONS: Mapping[str, Callable[[RGBImage, Numbers], RGBImage]] = MappingProxyType(
    {
        "hair": _hair,
        "illumination_gradient": _illumination_gradient,
        "vignette": _vignette,
        "blur": _blurred,
        "noise": _noisy,
        "jpeg": _compressed,
    }
)
