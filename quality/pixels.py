"""From a decoder's picture, in whatever mode, to 8-bit RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from quality.formats import Essence, UnsupportedVariantError

_DIRECT = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_WIDE = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


def to_rgb(im: Image.Image, essence: Essence) -> NDArray[np.uint8]:
    """`im`, loaded, as uint8 (H, W, 3); transparency over white, deeper samples scaled to 8 bits.

    CMYK is converted without a profile (each of R, G, B is 255 less ink, times 255 less black).
    Raises UnsupportedVariantError for modes with another meaning of numbers (Lab, 32 bits).
    """
    if im.mode in _WIDE:
        return _wide_grey(im, essence)
    if im.mode not in _DIRECT | _WITH_ALPHA:
        raise UnsupportedVariantError(f"samples of the kind {im.mode}")
    if essence.depth == 16:
        deep = _deep_colour(im, essence.data)
        if deep is not None:
            im = Image.fromarray(deep)
    if im.mode == "La":
        im = im.convert("LA")
    if im.mode == "L" and essence.depth < 8 and "transparency" in im.info:
        # Pillow has scaled the samples to 8 bits, but not the sample that means transparent.
        im.info["transparency"] *= 255 // ((1 << essence.depth) - 1)
    if im.mode == "RGB" and "transparency" not in im.info:
        return np.array(im)
    if im.mode in _WITH_ALPHA or "transparency" in im.info:
        rgba = im.convert("RGBA")
        white = Image.new("RGB", im.size, (255, 255, 255))
        white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
        return np.array(white)
    return np.array(im.convert("RGB"))


def to_8_bits(values: NDArray[np.uint16], depth: int = 16) -> NDArray[np.uint8]:
    """Samples of `depth` bits scaled to 8: the largest becomes 255, others are rounded.

    Where the low 8 of 16 bits are zero throughout, the file was made from 8 bits by a shift, and
    the high 8 bits are the original samples.
    """
    if depth == 16 and not np.bitwise_and(values, 0xFF).any():
        return (values >> 8).astype(np.uint8)
    largest = (1 << depth) - 1
    table = (np.arange(1 << 16) * 255 * 2 + largest) // (2 * largest)
    return np.clip(table, 0, 255).astype(np.uint8)[values]


def _wide_grey(im: Image.Image, essence: Essence) -> NDArray[np.uint8]:
    values = np.asarray(im).astype(np.uint16)
    largest = (1 << essence.depth) - 1
    grey = to_8_bits(largest - values if essence.white_is_zero else values, essence.depth)
    key = im.info.get("transparency")
    if key is not None:
        grey[values == key] = 255
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _deep_colour(im: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """A colour picture of 16 bits scaled from all of them; None where OpenCV reads it differently.

    Pillow drops the low 8 bits. OpenCV keeps them, but does not know every layout of TIFF: its
    reading counts only where its high 8 bits are Pillow's picture.
    """
    if im.mode not in ("RGB", "RGBA"):
        return None
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        return None
    order = cv2.COLOR_BGR2RGB if values.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    colours = np.asarray(cv2.cvtColor(values, order), dtype=np.uint16)
    # OpenCV gives an alpha channel where Pillow leaves a transparent colour to its caller.
    shared = colours[..., : len(im.getbands())]
    if not np.array_equal(shared >> 8, np.asarray(im)):
        return None
    return np.dstack([to_8_bits(colours[..., :3]), to_8_bits(colours[..., 3:])])
