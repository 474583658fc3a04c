"""From Pillow's picture, in whatever mode, to 8-bit RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from quality.formats import SanitisedImage, UnsupportedVariantError

_OPAQUE = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_WIDE = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


def to_rgb(im: Image.Image, image: SanitisedImage) -> NDArray[np.uint8]:
    """`im`, loaded, as uint8 (H, W, 3); transparency over white, deeper samples scaled to 8 bits.

    CMYK is converted without a profile: R is (255 - C)(255 - K) / 255, and so on. Raises
    UnsupportedVariantError for modes whose numbers mean something else (Lab, 32 bits).
    """
    if im.mode in _WIDE:
        return _wide_grey(im, image)
    if im.mode not in _OPAQUE | _WITH_ALPHA:
        raise UnsupportedVariantError(f"samples of the kind {im.mode}")
    if image.depth == 16 and im.mode in ("RGB", "RGBA"):
        im = _deep_colour(im, image.data) or im
    if im.mode in _WITH_ALPHA or "transparency" in im.info:
        return _over_white(_to_rgba(im, image.depth))
    return np.array(im if im.mode == "RGB" else im.convert("RGB"))


def _over_white(rgba: Image.Image) -> NDArray[np.uint8]:
    """A picture with alpha, not premultiplied, over white, rounded: uint8 (H, W, 3)."""
    rgb = np.empty((rgba.height, rgba.width, 3), dtype=np.uint8)
    alpha = rgba.getchannel("A")
    for place, band in enumerate("RGB"):
        white = Image.new("L", rgba.size, 255)
        white.paste(rgba.getchannel(band), mask=alpha)
        rgb[..., place] = np.asarray(white)
    return rgb


def _scale(values: NDArray[np.uint16], depth: int = 16) -> float:
    """The factor from samples of `depth` bits to 8: the largest becomes 255.

    Where the low 8 of 16 bits are zero throughout, the file was made from 8 bits by a shift, and
    the high 8 bits are the original samples.
    """
    shifted = depth == 16 and not np.bitwise_or.reduce(values, axis=None) & 0xFF
    return 1 / 256 if shifted else 255 / ((1 << depth) - 1)


def _to_8_bits(values: NDArray[np.uint16], scale: float) -> NDArray[np.uint8]:
    """`values` times `scale`, rounded."""
    return np.asarray(cv2.convertScaleAbs(values, alpha=scale), dtype=np.uint8)


def _to_rgba(im: Image.Image, depth: int) -> Image.Image:
    if im.mode == "La":
        im = im.convert("LA")
    if im.mode == "L" and depth < 8:
        # Pillow has scaled the samples to 8 bits, but not the sample that means transparent.
        im.info["transparency"] *= 255 // ((1 << depth) - 1)
    return im if im.mode == "RGBA" else im.convert("RGBA")


def _wide_grey(im: Image.Image, image: SanitisedImage) -> NDArray[np.uint8]:
    values = np.asarray(im).astype(np.uint16)
    largest = (1 << image.depth) - 1
    light = largest - values if image.white_is_zero else values
    grey = _to_8_bits(light, _scale(light, image.depth))
    transparent = im.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _deep_colour(im: Image.Image, data: bytes) -> Image.Image | None:
    """A 16-bit colour picture scaled from all its bits, RGB or RGBA.

    Pillow drops the low 8 bits. OpenCV keeps them, but does not know every layout of TIFF: its
    reading counts only where its high 8 bits are Pillow's picture. Otherwise None.
    """
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16 or values.shape[1::-1] != im.size:
        return None
    bands = {(3,): "RGB", (4,): "RGBA"}.get(values.shape[2:], "")
    if not bands.startswith(im.mode):
        return None
    deep = np.asarray(values, dtype=np.uint16)
    colour_scale = _scale(deep[..., :3])
    scaled = []
    # Band by band: a picture at the size limit needs a gigabyte as it is.
    for band, place in zip(bands, (2, 1, 0, 3), strict=False):
        samples = np.ascontiguousarray(deep[..., place])
        # OpenCV gives an alpha band where Pillow leaves a transparent colour to its caller.
        known = band in im.mode
        if known and not np.array_equal(samples >> 8, np.asarray(im.getchannel(band))):
            return None
        scale = _scale(samples) if band == "A" else colour_scale
        scaled.append(Image.fromarray(_to_8_bits(samples, scale)))
    return Image.merge(bands, scaled)
