"""From a decoder's picture, in whatever mode, to 8-bit RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from quality.formats import Essence, UnsupportedVariantError

_OPAQUE = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_WIDE = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})

_BAND_PIXELS = 2**18


def to_rgb(im: Image.Image, essence: Essence) -> NDArray[np.uint8]:
    """`im`, loaded, as uint8 (H, W, 3); transparency over white, deeper samples scaled to 8 bits.

    CMYK is converted without a profile: R is (255 - C)(255 - K) / 255, and so on. Raises
    UnsupportedVariantError for modes whose numbers mean something else (Lab, 32 bits).
    """
    if im.mode in _WIDE:
        return _wide_grey(im, essence)
    if im.mode not in _OPAQUE | _WITH_ALPHA:
        raise UnsupportedVariantError(f"samples of the kind {im.mode}")
    if essence.depth == 16 and im.mode in ("RGB", "RGBA"):
        deep = _deep_colour(im, essence.data)
        if deep is not None:
            return deep if deep.shape[2] == 3 else over_white(deep)
    if im.mode in _WITH_ALPHA or "transparency" in im.info:
        return over_white(_to_rgba(im, essence.depth))
    return np.array(im if im.mode == "RGB" else im.convert("RGB"))


def over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A uint8 (H, W, 4) picture, alpha last and not premultiplied, over white: (H, W, 3)."""
    rgb = np.empty((*rgba.shape[:2], 3), dtype=np.uint8)
    for rows in _bands(rgba):
        colour, alpha = rgba[rows, :, :3].astype(np.uint16), rgba[rows, :, 3:].astype(np.uint16)
        # At most 255 * 255 + 127: 16 bits suffice.
        rgb[rows] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return rgb


def to_8_bits(values: NDArray[np.uint16], depth: int = 16) -> NDArray[np.uint8]:
    """Samples of `depth` bits scaled to 8: the largest becomes 255, others are rounded.

    Where the low 8 of 16 bits are zero throughout, the file was made from 8 bits by a shift, and
    the high 8 bits are the original samples.
    """
    result = np.empty(values.shape, dtype=np.uint8)
    shifted = depth == 16 and not any((values[rows] & 0xFF).any() for rows in _bands(values))
    largest = (1 << depth) - 1
    for rows in _bands(values):
        if shifted:
            result[rows] = values[rows] >> 8
        else:
            scaled = (values[rows].astype(np.uint32) * 255 + largest // 2) // largest
            result[rows] = np.minimum(scaled, 255)
    return result


def _to_rgba(im: Image.Image, depth: int) -> NDArray[np.uint8]:
    if im.mode == "La":
        im = im.convert("LA")
    if im.mode == "L" and depth < 8:
        # Pillow has scaled the samples to 8 bits, but not the sample that means transparent.
        im.info["transparency"] *= 255 // ((1 << depth) - 1)
    return np.asarray(im if im.mode == "RGBA" else im.convert("RGBA"))


def _wide_grey(im: Image.Image, essence: Essence) -> NDArray[np.uint8]:
    values = np.asarray(im).astype(np.uint16)
    largest = (1 << essence.depth) - 1
    grey = to_8_bits(largest - values if essence.white_is_zero else values, essence.depth)
    transparent = im.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _deep_colour(im: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """A 16-bit colour picture scaled from all its bits: uint8 (H, W, 3), or 4 with alpha.

    Pillow drops the low 8 bits. OpenCV keeps them, but does not know every layout of TIFF: its
    reading counts only where its high 8 bits are Pillow's picture. Otherwise None.
    """
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16 or values.shape[2:] not in ((3,), (4,)):
        return None
    bgr = np.asarray(values, dtype=np.uint16)
    # OpenCV gives an alpha channel where Pillow leaves a transparent colour to its caller.
    high = np.asarray(im)
    if high.shape[:2] != bgr.shape[:2] or high.shape[2] > bgr.shape[2]:
        return None
    for rows in _bands(high):
        same = (bgr[rows, :, 2::-1] >> 8 == high[rows, :, :3]).all()
        if not same or (high.shape[2] == 4 and (bgr[rows, :, 3] >> 8 != high[rows, :, 3]).any()):
            return None
    result = np.empty(bgr.shape, dtype=np.uint8)
    result[..., :3] = to_8_bits(bgr[..., 2::-1])
    result[..., 3:] = to_8_bits(bgr[..., 3:])
    return result


def _bands(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> list[slice]:
    """Slices of whole rows that together cover a picture, so that scratch space stays small."""
    rows = max(1, _BAND_PIXELS // picture.shape[1])
    return [slice(top, top + rows) for top in range(0, picture.shape[0], rows)]
