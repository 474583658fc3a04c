"""BMP: its two headers (Windows BITMAPFILEHEADER, and BITMAPCOREHEADER or BITMAPINFOHEADER)."""

import struct

from quality.formats.essence import Essence, UnsupportedVariantError

MAX_RUN_LENGTH_PIXELS = 2**22
"""Most pixels of a run-length coded file: Pillow decodes those in Python, pixel by pixel."""

HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
"""Bytes of the second header, by its version; the first of these is the core header."""

_CORE_HEADER = 12
_RUN_LENGTH = (1, 2)


def read(data: bytes) -> Essence:
    """The picture of a BMP file. Raises struct.error where the headers are cut off."""
    header_size = struct.unpack_from("<I", data, 14)[0]
    if header_size == _CORE_HEADER:
        width, height = struct.unpack_from("<HH", data, 18)
        return Essence(data, width, height)
    # A negative height says that the rows are stored from the top.
    width, height, _, _, compression = struct.unpack_from("<IiHHI", data, 18)
    if compression in _RUN_LENGTH and width * abs(height) > MAX_RUN_LENGTH_PIXELS:
        raise UnsupportedVariantError(
            f"run-length coding and more than {MAX_RUN_LENGTH_PIXELS} pixels"
        )
    return Essence(data, width, abs(height))
