"""Pictures of attribution maps: arrays in, image out. Needs no torch.

Sign convention, everywhere: warm (or green) speaks for the class, cool (or red) against it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]


def heatmap(image: Picture, map: Map, opacity: float = 0.5, limit: float | None = None) -> Picture:
    """The map in colours over the picture, (H, W, 3) uint8 RGB.

    image: (H, W, 3) uint8 RGB; map: (H, W).
    opacity: of the colours at the largest magnitude, 0 to 1.
    limit: the magnitude of the strongest colour; default: the map's own largest.
    """
    scale = limit or float(np.abs(map).max()) or 1.0
    strength = np.clip(map / scale, -1, 1)[..., np.newaxis]
    colour = np.where(strength > 0, (178.0, 24.0, 43.0), (33.0, 102.0, 172.0))
    weight = opacity * np.abs(strength)
    return np.asarray(np.rint(image * (1 - weight) + colour * weight), np.uint8)


def contours(image: Picture, map: Map) -> Picture:
    """Outlines of the most important regions, (H, W, 3) uint8 RGB: green for, red against."""
    drawn = image.copy()
    scale = float(np.abs(map).max()) or 1.0
    for sign, colour in ((1, (0, 158, 80)), (-1, (213, 43, 0))):
        inside = (sign * map > 0.5 * scale).astype(np.uint8)
        lines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(drawn, lines, -1, colour, max(1, round(max(map.shape) / 250)))
    return drawn


def png(picture: Picture) -> bytes:
    """The picture as a PNG file."""
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as PNG")
    return data.tobytes()
