"""What a format's reader gives, and how it refuses."""

from dataclasses import dataclass

MAX_PARTS = 65_536
"""Most chunks, segments, strips or tiles of one file.

A file of 15 MB made of empty parts holds a million of them, seconds of work for every reader that
steps through. Photographs hold some dozens to a few thousand.
"""


class SeveralPicturesError(Exception):
    """The file holds more than one picture: an animation or several pages."""


class UnsupportedVariantError(Exception):
    """The file is of the format, in a form that is not accepted; `str(error)` says which."""


@dataclass(frozen=True)
class Essence:
    """One picture, not yet decoded.

    `data`: a file of the same format that holds the picture and no metadata.
    `width`, `height`: in pixels, as stored, before `orientation` is applied.
    `orientation`: EXIF orientation, 1 to 8; 1 is upright.
    `depth`: bits per sample.
    `white_is_zero`: 0 is stored for white (grey TIFF).
    """

    data: bytes
    width: int
    height: int
    orientation: int = 1
    depth: int = 8
    white_is_zero: bool = False


def require_parts(count: int) -> None:
    """Raise UnsupportedVariantError where a file has more than `MAX_PARTS` parts."""
    if count > MAX_PARTS:
        raise UnsupportedVariantError(f"more than {MAX_PARTS} parts")
