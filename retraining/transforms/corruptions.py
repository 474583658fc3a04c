"""What goes wrong with a picture, made in a controlled way: optics, light, colour, hairs, noise."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.degradations import WIDTH as WIDTH
from quality.degradations import blurred as blurred
from quality.degradations import faded as faded

RGBImage = NDArray[np.uint8]
Values = NDArray[np.float32]

HAIR_STEPS = 24
HAIR_SHIFT = 3  # binary digits after the point of a hair's coordinates
RULER_MARKS = 50


def tinted(image: RGBImage, red: float, green: float, blue: float) -> RGBImage:
    """Channels multiplied: another white balance, or more or less light."""
    return _clip(image * np.array([red, green, blue]))


def grainy(image: RGBImage, deviation: float) -> RGBImage:
    """Sensor noise of `deviation` grey levels, the same at every call."""
    noise = np.random.default_rng(0).normal(0, deviation, image.shape)
    return _clip(image + noise)


def compressed(image: RGBImage, quality: int) -> RGBImage:
    """Through a JPEG file of `quality`, 1 to 100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def zoom_in(image: RGBImage, share: float) -> RGBImage:
    """The middle of the picture, `share` of its height and width."""
    height, width = image.shape[:2]
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


def zoom_out(image: RGBImage, scale: float) -> RGBImage:
    """The picture at `scale` of its size in its middle, its mirror image around it."""
    height, width = image.shape[:2]
    matrix = np.array([[scale, 0, (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]])
    mirrored = cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=mirrored
    )
    return np.asarray(moved, np.uint8)


def illumination_gradient(image: RGBImage, strength: float, angle: float) -> RGBImage:
    """Light from one side: a share of `strength` more at one border and less at the other.

    angle: of the side with more light, degrees from the right.
    """
    x, y = _coordinates(image)
    turn = np.deg2rad(angle)
    light = 1 + np.float32(strength) * (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn)))
    return _clip(image * light[..., None])


def vignette(
    image: RGBImage, radius: float, softness: float, middle: tuple[float, float] = (0, 0)
) -> RGBImage:
    """Black outside of a round field of view, as a dermatoscope's lens leaves it.

    radius: of the field, in half widths; above 1.42 it holds the whole picture.
    softness: width of the fall from full light to none, in half widths; 0 is a sharp edge.
    middle: of the field, in half widths and half heights from the middle.
    """
    x, y = _coordinates(image)
    distance = np.hypot(x - np.float32(middle[0]), y - np.float32(middle[1]))
    light = np.clip((np.float32(radius) - distance) / np.float32(max(softness, 0.02)), 0, 1)
    return _clip(image * light[..., None])


def hair(image: RGBImage, count: int, seed: int = 0, *, light: bool = False) -> RGBImage:
    """`count` hairs over the picture, bent and of different lengths, dark unless `light`."""
    rng = np.random.default_rng(seed)
    changed = image.copy()
    height, width = image.shape[:2]
    side = max(height, width)
    way = np.linspace(0, 1, HAIR_STEPS)
    main = rng.uniform(0, np.pi)  # most hairs lie the same way
    tone = rng.uniform(150, 220) if light else rng.uniform(15, 90)
    for _ in range(count):
        start = rng.random(2) * (width, height)
        turn = main + rng.normal(0, 0.4) + rng.uniform(-0.8, 0.8) * way
        length = rng.uniform(0.3, 1.2) * side
        steps = np.stack([np.cos(turn), np.sin(turn)], axis=1) * length / HAIR_STEPS
        points = np.rint((start + steps.cumsum(axis=0)) * 2**HAIR_SHIFT).astype(np.int32)
        colour = tone * np.array([1.0, 0.85, 0.75]) * rng.uniform(0.8, 1.1)
        thickness = max(1, round(side / WIDTH * rng.uniform(1.5, 5)))
        cv2.polylines(changed, [points], False, colour.tolist(), thickness, cv2.LINE_AA, HAIR_SHIFT)
    return changed


def ruled(image: RGBImage) -> RGBImage:
    """A ruler's black marks along the lower border, every tenth longer."""
    changed = image.copy()
    height, width = image.shape[:2]
    for mark in range(RULER_MARKS):
        x = round((mark + 0.5) * width / RULER_MARKS)
        top = round(height * (0.86 if mark % 10 == 0 else 0.93))
        cv2.line(changed, (x, height - 1), (x, top), (20, 20, 20), max(1, width // 300))
    return changed


# What dermatoscopic pictures from elsewhere may look like; each is still one of skin.
VARIANTS: Mapping[str, Callable[[RGBImage], RGBImage]] = MappingProxyType(
    {
        "blurred": lambda image: blurred(image, 3),
        "very blurred": lambda image: blurred(image, 6),
        "faded": lambda image: faded(image, 0.5),
        "dark": lambda image: tinted(image, 0.6, 0.6, 0.6),
        "bluish": lambda image: tinted(image, 0.85, 0.95, 1.15),
        "yellowish": lambda image: tinted(image, 1.1, 1.0, 0.75),
        "grainy": lambda image: grainy(image, 12),
        "compressed": lambda image: compressed(image, 30),
        "zoom in": lambda image: zoom_in(image, 0.6),
        "zoom out": lambda image: zoom_out(image, 0.75),
        "illumination gradient": lambda image: illumination_gradient(image, 0.4, 30),
        "vignette": lambda image: vignette(image, 1.05, 0.05),
        "soft vignette": lambda image: vignette(image, 1.4, 0.6),
        "hair": lambda image: hair(image, 12),
        "ruler": ruled,
    }
)


def _coordinates(image: RGBImage) -> tuple[Values, Values]:
    """x (1, W) and y (H, 1) of the pixels, -1 to 1 from border to border."""
    height, width = image.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    return x, np.linspace(-1, 1, height, dtype=np.float32)[:, None]


def _clip(values: NDArray[np.floating]) -> RGBImage:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
