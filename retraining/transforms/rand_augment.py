"""Random operations in the manner of RandAugment and TrivialAugment, on uint8 pictures.

Cubuk et al., RandAugment, NeurIPS 2020, arXiv:1909.13719; Müller & Hutter, TrivialAugment, ICCV
2021, arXiv:2103.10158. Their operations that leave a picture of skin a picture of skin: inverting
and solarising it do not.
"""

from collections.abc import Callable
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from retraining.transforms.corruptions import RGBImage

Step = tuple[str, float]  # an operation and its strength, -1..1

MOST_SHEAR = 0.3
MOST_SHIFT = 0.3  # share of the side
MOST_DEGREES = 45.0
MOST_FACTOR = 0.9  # of contrast, saturation, brightness and sharpness: 1 plus or minus this
FEWEST_BITS = 4


def draw(policy: str, steps: int, strength: float, rng: np.random.Generator) -> tuple[Step, ...]:
    """The operations of one picture."""
    if policy == "trivialaugment":
        steps, strength = 1, rng.random()
    names = list(OPERATIONS)
    return tuple(
        (names[rng.integers(len(names))], strength * rng.choice((-1, 1))) for _ in range(steps)
    )


def apply(picture: RGBImage, steps: tuple[Step, ...]) -> RGBImage:
    """(H, W, 3) uint8 after the operations, one by one."""
    for name, strength in steps:
        picture = OPERATIONS[name](picture, strength)
    return picture


def _affine(picture: RGBImage, linear: list[list[float]], shift: tuple[float, float]) -> RGBImage:
    height, width = picture.shape[:2]
    matrix = np.array(linear)
    centre = np.array([width - 1, height - 1]) / 2
    offset = centre + np.array(shift) * (width, height) - matrix @ centre
    warped = cv2.warpAffine(
        picture,
        np.column_stack([matrix, offset]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(warped, np.uint8)


def _rotate(picture: RGBImage, strength: float) -> RGBImage:
    angle = np.deg2rad(MOST_DEGREES * strength)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return _affine(picture, [[cos, -sin], [sin, cos]], (0, 0))


def _blend(picture: RGBImage, other: NDArray[np.float32], strength: float) -> RGBImage:
    """From `other` through the picture and beyond; strength 0 is the picture."""
    factor = np.float32(1 + MOST_FACTOR * strength)
    values = other + (picture.astype(np.float32) - other) * factor
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def _saturation(picture: RGBImage, strength: float) -> RGBImage:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return _blend(picture, grey[..., None], strength)


def _contrast(picture: RGBImage, strength: float) -> RGBImage:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).mean(dtype=np.float32)
    return _blend(picture, np.full((1, 1, 1), grey, np.float32), strength)


def _brightness(picture: RGBImage, strength: float) -> RGBImage:
    return _blend(picture, np.zeros((1, 1, 1), np.float32), strength)


def _sharpness(picture: RGBImage, strength: float) -> RGBImage:
    smooth = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.float32)
    return _blend(picture, smooth, strength)


def _posterise(picture: RGBImage, strength: float) -> RGBImage:
    bits = 8 - round((8 - FEWEST_BITS) * abs(strength))
    return np.asarray(picture & (256 - (1 << (8 - bits))), np.uint8)


def _stretch(picture: RGBImage, strength: float) -> RGBImage:
    """Every channel stretched to the whole range; the strength plays no part."""
    low = picture.min(axis=(0, 1)).astype(np.float32)
    high = picture.max(axis=(0, 1)).astype(np.float32)
    scale = 255 / np.maximum(high - low, 1)
    return np.asarray((picture - low) * scale + 0.5, np.uint8)


def _equalise(picture: RGBImage, strength: float) -> RGBImage:
    """Every channel's histogram made flat; the strength plays no part."""
    return np.asarray(cv2.merge([cv2.equalizeHist(c) for c in cv2.split(picture)]), np.uint8)


OPERATIONS: MappingProxyType[str, Callable[[RGBImage, float], RGBImage]] = MappingProxyType(
    {
        "identity": lambda picture, _: picture,
        "shear_x": lambda picture, s: _affine(picture, [[1, MOST_SHEAR * s], [0, 1]], (0, 0)),
        "shear_y": lambda picture, s: _affine(picture, [[1, 0], [MOST_SHEAR * s, 1]], (0, 0)),
        "shift_x": lambda picture, s: _affine(picture, [[1, 0], [0, 1]], (MOST_SHIFT * s, 0)),
        "shift_y": lambda picture, s: _affine(picture, [[1, 0], [0, 1]], (0, MOST_SHIFT * s)),
        "rotate": _rotate,
        "brightness": _brightness,
        "saturation": _saturation,
        "contrast": _contrast,
        "sharpness": _sharpness,
        "posterise": _posterise,
        "auto_contrast": _stretch,
        "equalise": _equalise,
    }
)
