"""Colour profiles: from the colours that a picture's profile describes to sRGB."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from quality.arrays import RGBImage
from quality.limits import MAX_PROFILE_BYTES

IGNORED = "was ignored; the colours were taken as sRGB."
"""How a note about a profile that cannot be used ends."""

# A conversion that moves no colour of a grid further than this is none: profiles of sRGB differ
# in how they round its curve, and 8 bits cannot show it.
_SAME = 2
_GRID_STEPS = np.linspace(0, 255, 9).round().astype(np.uint8)

# Rows worked on at a time: the conversion needs a copy of them.
_BAND_PIXELS = 2**18

# Where the profile's header says which colours it is of (ICC.1:2022, 7.2), and its tags begin.
_SPACE = slice(16, 20)
_TAG_COUNT, _TAG_SIZE, _MAX_TAGS = 128, 12, 100  # LittleCMS refuses more
_FLOATING = frozenset({b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3"})
_SPACES = {b"GRAY": "grey", b"CMYK": "CMYK", b"Lab ": "Lab", b"XYZ ": "XYZ"}


def to_srgb(image: RGBImage, profile: bytes | None, *, coloured: bool = True) -> str | None:
    """Convert `image`, uint8 (H, W, 3), in place from an embedded ICC profile to sRGB.

    `profile`: as it stands in the file; None where there is none. A profile of sRGB is told by what
    it does, and changes nothing. `coloured`: False where the samples were no RGB before (CMYK).

    Returns a sentence where the profile cannot be used, so that the picture is left as it is.

    Examples:
        >>> image = np.full((2, 2, 3), 128, np.uint8)
        >>> to_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        >>> to_srgb(image, b"no profile")
        "The file's colour profile is damaged and was ignored; the colours were taken as sRGB."
    """
    if profile is None:
        return None
    if len(profile) > MAX_PROFILE_BYTES:
        return f"The file's colour profile has more than {MAX_PROFILE_BYTES} bytes and {IGNORED}"
    space = profile[_SPACE]
    if space in _SPACES:
        return f"The file's colour profile is one for {_SPACES[space]}, not RGB, and {IGNORED}"
    if not coloured:
        return f"The file's colour profile does not fit its CMYK colours and {IGNORED}"
    try:
        transform = _transform(profile)
        if transform is not None:
            _apply(transform, image)
    except (ImageCms.PyCMSError, OSError, ValueError, struct.error):
        return f"The file's colour profile is damaged and {IGNORED}"
    return None


def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB; None where it would change nothing that 8 bits can show."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(_without_floating_tags(profile)))
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    grid = np.stack(np.meshgrid(*[_GRID_STEPS] * 3), axis=-1).reshape(1, -1, 3)
    converted = np.array(ImageCms.applyTransform(Image.fromarray(grid), transform))
    same = np.abs(converted.astype(np.int16) - grid).max() <= _SAME
    return None if same else transform


def _without_floating_tags(profile: bytes) -> bytes:
    """`profile` without its tables of floating-point stages, which are optional duplicates.

    They may name one stage a hundred thousand times, and each colour would go through all.
    """
    count = struct.unpack_from(">I", profile, _TAG_COUNT)[0]
    start = _TAG_COUNT + 4
    table = profile[start : start + min(count, _MAX_TAGS) * _TAG_SIZE]
    result = bytearray(profile)
    for place in range(0, len(table), _TAG_SIZE):
        if table[place : place + 4] in _FLOATING:
            result[start + place : start + place + 4] = b"none"
    return bytes(result)


def _apply(transform: ImageCms.ImageCmsTransform, image: NDArray[np.uint8]) -> None:
    rows = max(1, _BAND_PIXELS // image.shape[1])
    for top in range(0, len(image), rows):
        band = Image.fromarray(image[top : top + rows])
        ImageCms.applyTransform(band, transform, inPlace=True)
        image[top : top + rows] = np.asarray(band)
