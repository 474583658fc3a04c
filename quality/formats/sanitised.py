"""What a format's reader gives, and how it refuses."""

from dataclasses import dataclass

from quality.limits import MAX_PARTS


class SeveralPicturesError(Exception):
    """The file holds more than one picture: an animation or several pages."""


class UnsupportedVariantError(Exception):
    """The file is of the format, in a form that is not accepted; `str(error)` says which."""


@dataclass(frozen=True)
class SanitisedImage:
    """One picture that Pillow may open; not yet decoded.

    `data`: a file of the same format that holds the picture and no metadata (WebP: the file).
    `size`: width and height in pixels as stored, before `orientation` is applied (WebP: None).
    `coded`: bytes that a decoder unfolds, its padding included, at least one for each sample: what
    a file may cost in memory and time, which its size in pixels does not tell (WebP: 4 a pixel).
    `scanned`: samples over all scans of a progressive JPEG file.
    `orientation`: EXIF orientation, 1 to 8; 1 is upright (WebP: None).
    `exif`: the EXIF block as it stands, of a TIFF file the file itself; empty where there is none
    (WebP: empty).
    `depth`: bits per sample.
    `white_is_zero`: 0 is stored for white (grey TIFF).
    `profile`: the embedded colour profile as it stands, empty where it is incomplete; None where
    there is none (WebP: None).
    `ended`: whether the mark of its end is there (JPEG).
    """

    data: bytes
    size: tuple[int, int] | None = None
    coded: int = 0
    scanned: int = 0
    orientation: int | None = None
    exif: bytes = b""
    depth: int = 8
    white_is_zero: bool = False
    profile: bytes | None = None
    ended: bool = True


def require_parts(count: int) -> None:
    """Raise UnsupportedVariantError where a file has more than `MAX_PARTS` parts."""
    if count > MAX_PARTS:
        raise UnsupportedVariantError(f"more than {MAX_PARTS} parts")
