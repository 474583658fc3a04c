"""BMP: its two headers (Windows BITMAPFILEHEADER, and BITMAPCOREHEADER or BITMAPINFOHEADER)."""

import struct

from quality.formats.sanitised import SanitisedImage, UnsupportedVariantError
from quality.limits import MAX_RUN_LENGTH_PIXELS

HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Bytes of the second header, by its version; the first of these is the core header."""

_CORE_HEADER = 12
_RUN_LENGTH = (1, 2)
_LONGEST_HEAD = 14 + 124 + 4 * 256
_FILE_HEADER, _HEADER_WITH_PROFILE, _EMBEDDED = 14, 124, b"DEBM"


def sanitise(data: bytes) -> SanitisedImage:
    """The picture of a BMP file: the file itself, which has no metadata.

    Raises UnsupportedVariantError for a large run-length coded picture, struct.error where the
    headers are cut off.
    """
    if data[14] == _CORE_HEADER:
        return SanitisedImage(data, struct.unpack_from("<HH", data, 18), orientation=1)
    # A negative height says that the rows are stored from the top.
    width, height, _, depth, compression = struct.unpack_from("<IiHHI", data, 18)
    if compression in _RUN_LENGTH and width * abs(height) > MAX_RUN_LENGTH_PIXELS:
        raise UnsupportedVariantError(
            f"run-length coding and more than {MAX_RUN_LENGTH_PIXELS} pixels"
        )
    if compression in _RUN_LENGTH and len(data) > _LONGEST_HEAD + 2 * (width + 2) * abs(height):
        raise ValueError("more runs than pixels")
    return SanitisedImage(
        data,
        (width, abs(height)),
        coded=width * abs(height) * max(1, depth // 8),
        orientation=1,
        profile=_profile(data),
    )


def _profile(data: bytes) -> bytes | None:
    """The embedded colour profile of a BITMAPV5HEADER."""
    if data[_FILE_HEADER] != _HEADER_WITH_PROFILE or data[70:74] != _EMBEDDED:
        return None
    start, size = struct.unpack_from("<II", data, 126)
    profile = data[_FILE_HEADER + start : _FILE_HEADER + start + size]
    return profile if len(profile) == size else b""
