"""Colour of 16 bits a sample, scaled to 8 from all of its bits."""

import sys
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from quality.pixels import Pixels, bands, over_white

# Pillow's names of how samples are stored, by its name for the same with the bytes swapped. It
# keeps one byte of two, so that the file has to be decoded twice.
_SWAPPED = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBX", "RGBA")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
_GREY_ALPHA = "LA;16B"


def is_deep(im: ImageFile.ImageFile) -> bool:
    """Whether `im`, not yet loaded, has colours of 16 bits that `deep_colour` can give."""
    return _stored_as(im) in {*_SWAPPED, _GREY_ALPHA}


def deep_colour(open_again: Callable[[], ImageFile.ImageFile]) -> Pixels:
    """Colours of 16 bits as uint8 (H, W, 3); transparency over white.

    `open_again`: opens the file, without loading it.
    """
    first = open_again()
    if _stored_as(first) == _GREY_ALPHA:
        _store_as(first, "RGBA")  # high and low byte of grey, then of alpha
        first.load()
        low = np.reshape(first.getextrema(), (4, 2))[[1, 1, 1, 3]]
        return _scaled(first.size, low, lambda box: _grey_alpha(first.crop(box)))
    second = open_again()
    _store_as(second, _SWAPPED[_stored_as(second)])
    first.load()
    second.load()
    return _scaled(
        first.size,
        np.reshape(second.getextrema(), (-1, 2)),
        lambda box: (np.asarray(first.crop(box)), np.asarray(second.crop(box))),
        first.info.get("transparency"),
    )


_Box = tuple[int, int, int, int]


def _grey_alpha(four: Image.Image) -> tuple[Pixels, Pixels]:
    values = np.asarray(four)
    return values[..., [0, 0, 0, 2]], values[..., [1, 1, 1, 3]]


def _scaled(
    size: tuple[int, int],
    low: NDArray[np.generic],
    read: Callable[[_Box], tuple[Pixels, Pixels]],
    key: tuple[int, int, int] | None = None,
) -> Pixels:
    """High and low bytes, as `read` gives them of a part, scaled to 8 bits, over white.

    `low`: least and greatest low byte, a row for each band. `key`: a colour that means transparent.
    """
    # Where all low bytes are zero, the file was made from 8 bits by a shift, and the high bytes are
    # the original samples.
    shifted = not low[:3].any(), not low[3:].any()
    width, height = size
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    for top, bottom in bands(width, height):
        upper, lower = read((0, top, width, bottom))
        rounded = _rounded(upper, lower)
        if shifted[0]:
            rounded[..., :3] = upper[..., :3]
        if rounded.shape[2] == 4:
            if shifted[1]:
                rounded[..., 3] = upper[..., 3]
            rounded = over_white(Image.fromarray(rounded))
        if key is not None:
            values = upper.astype(np.uint16) << 8 | lower
            rounded[(values == np.array(key, np.uint16)).all(axis=2)] = 255
        rgb[top:bottom] = rounded
    return rgb


def _rounded(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(256 upper + lower) / 257, rounded: `upper`, or a step towards `lower` where it is far."""
    _, up = cv2.threshold(cv2.subtract(lower, upper), 128, 1, cv2.THRESH_BINARY)
    _, down = cv2.threshold(cv2.subtract(upper, lower), 128, 1, cv2.THRESH_BINARY)
    return np.asarray(cv2.subtract(cv2.add(upper, up), down), dtype=np.uint8)


def _stored_as(im: ImageFile.ImageFile) -> str:
    args = im.tile[0].args if im.tile else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _store_as(im: ImageFile.ImageFile, name: str) -> None:
    im.tile = [
        tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name)
        for tile in im.tile
    ]
