"""Small pictures of what was assessed, made by the server so that every format shows."""

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST_SIDE = 480
LISTED_SIDE = 144
"""Of a row of the list, on screens of two pixels a point."""
QUALITY = 82


def thumbnail(image: NDArray[np.uint8], longest_side: int = LONGEST_SIDE) -> str:
    """A data URL of `image`, (H, W, 3) RGB 8 bits, shrunk to `longest_side` pixels; JPEG."""
    return data_url(shrunk_jpeg(image, longest_side))


def shrunk_jpeg(image: NDArray[np.uint8], longest_side: int = LISTED_SIDE) -> bytes:
    """A JPEG file of `image`, (H, W, 3) RGB 8 bits, shrunk to `longest_side` pixels at most."""
    height, width = image.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return encode_jpeg(image, QUALITY)


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """`image`, (H, W, 3) RGB 8 bits, as a JPEG file of `quality` 0 to 100."""
    done, buffer = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"an image of shape {image.shape} cannot be written as JPEG")
    return bytes(buffer)


def data_url(jpeg: bytes) -> str:
    """A JPEG file as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
