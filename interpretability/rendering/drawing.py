"""A drawn picture of a lesion for notebooks and trials: no photograph and no patient is in it."""

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 360, 270


def drawn_lesion(seed: int = 0) -> NDArray[np.uint8]:
    """A brown patch with an uneven border and dark dots on pink skin, (270, 360, 3) uint8 RGB."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    dx, dy = (x - 0.45 * WIDTH) / 85, (y - 0.5 * HEIGHT) / 68
    angle, radius = np.arctan2(dy, dx), np.hypot(dx, dy)
    border = 1 + 0.1 * np.sin(3 * angle + 1) + 0.06 * np.sin(7 * angle)
    inside = 1 / (1 + np.exp((radius - border) * 14))[..., np.newaxis]
    texture = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)), (0, 0), 6)
    texture = (texture / texture.std())[..., np.newaxis]
    skin = np.array((226.0, 182.0, 164.0)) + 4 * texture
    patch = np.array((132.0, 82.0, 60.0)) + 16 * texture - 30 * np.exp(-2 * radius**2)[..., None]
    mixed = skin * (1 - inside) + patch * inside + random.normal(0, 3, (HEIGHT, WIDTH, 1))
    canvas: NDArray[np.uint8] = np.clip(mixed, 0, 255).astype(np.uint8)
    for _ in range(18):
        turn, reach = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.9)
        centre = (
            int(0.45 * WIDTH + 85 * reach * np.cos(turn)),
            int(0.5 * HEIGHT + 68 * reach * np.sin(turn)),
        )
        cv2.circle(canvas, centre, int(random.integers(2, 4)), (66, 38, 32), -1, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)
