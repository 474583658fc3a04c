"""Drawn skin with a lesion on it, whose area, place, turn and light are known."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 480, 360
SKIN, LESION = (214, 172, 152), (120, 76, 62)


@dataclass(frozen=True)
class View:
    """How a picture is taken: turned by degrees, scaled, shifted by pixels, in a light."""

    degrees: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)


@cache
def drawn(area: float = 0.12, view: View = View(), *, seed: int = 0) -> NDArray[np.uint8]:
    """A lesion of that share of the picture (before it is scaled), on skin with marks of its own.

    seed: of the skin's marks and of the lesion's pattern: another one is another lesion.
    """
    rng = np.random.default_rng(seed)
    pad = 160
    size = (HEIGHT + 2 * pad, WIDTH + 2 * pad)
    skin = np.full((*size, 3), SKIN, np.float32)
    marks = rng.uniform((0, 0, 1.5, -34), (size[1], size[0], 5, -8), (900, 4))
    for x, y, radius, tone in marks:
        cv2.circle(skin, (round(x), round(y)), round(radius), (np.array(SKIN) + tone).tolist(), -1)
    radius = np.sqrt(area * WIDTH * HEIGHT / np.pi)
    y, x = np.mgrid[: size[0], : size[1]] - np.array(size).reshape(2, 1, 1) / 2
    inside = 1 / (1 + np.exp((np.hypot(x / 1.25, y * 1.25) - radius) / 1.5))
    lesion = np.full((*size, 3), LESION, np.float32)
    for x0, y0, r, tone in rng.uniform((-1, -1, 0.02, -25), (1, 1, 0.09, 25), (60, 4)):
        at = (round(size[1] / 2 + x0 * radius), round(size[0] / 2 + y0 * radius))
        cv2.circle(lesion, at, max(1, round(r * radius)), (np.array(LESION) + tone).tolist(), -1)
    picture = skin + (lesion - skin) * inside[..., None]
    matrix = cv2.getRotationMatrix2D((size[1] / 2, size[0] / 2), -view.degrees, view.scale)
    matrix[:, 2] += np.array(view.shift) - pad
    seen = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    noise = rng.normal(0, 1.5, seen.shape)
    return np.clip(cv2.GaussianBlur(seen, (0, 0), 0.7) * view.light + noise, 0, 255).astype(
        np.uint8
    )
