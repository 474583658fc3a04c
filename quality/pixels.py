"""From Pillow's picture, in whatever mode, to 8-bit RGB."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from quality.formats import SanitisedImage, UnsupportedVariantError

Pixels = NDArray[np.uint8]

_OPAQUE = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_BAND_PIXELS = 2**16
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
    if im.mode in _WITH_ALPHA or "transparency" in im.info:
        return assemble(_to_rgba(im, image.depth), over_white)
    return assemble(im if im.mode == "RGB" else im.convert("RGB"), np.asarray)


def bands(width: int, height: int) -> Iterator[tuple[int, int]]:
    """First row and the one after the last, of bands that fit into the processor's cache."""
    rows = max(1, _BAND_PIXELS // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def over_white(band: Image.Image) -> NDArray[np.uint8]:
    """Rows of an RGBA picture, not premultiplied, over white, rounded: uint8 (H, W, 3)."""
    white = Image.new("RGB", band.size, (255, 255, 255))
    white.paste(band, mask=band)
    return np.asarray(white)


def assemble(im: Image.Image, pixels: Callable[[Image.Image], NDArray[np.uint8]]) -> Pixels:
    """`pixels` of each band of `im`: uint8 (H, W, 3). The whole at once would be copied twice."""
    rgb = np.empty((im.height, im.width, 3), dtype=np.uint8)
    for top, bottom in bands(*im.size):
        rgb[top:bottom] = pixels(im.crop((0, top, im.width, bottom)))
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
