"""The accepted file formats: told by content, and sanitised before Pillow sees them.

Each module reads the structure of one format from the bytes, decodes nothing, and gives a
`SanitisedImage`: the picture's size, its orientation, and the file again without its metadata. So
the limits hold before a pixel is decoded, and comments, text chunks, profiles and previews,
however many or hostile, are neither parsed nor inflated by a library. WebP goes to Pillow as it is:
libwebp walks its chunks in C. `docs/adr/0002-own-image-header-checks.md` has what was measured.
"""

import struct
from collections.abc import Callable

from quality.formats import bmp, jpeg, png, tiff
from quality.formats.sanitised import (
    SanitisedImage,
    SeveralPicturesError,
    UnsupportedVariantError,
)

ACCEPTED = "JPEG, PNG, WebP, TIFF or BMP"

_SANITISERS: dict[str, Callable[[bytes], SanitisedImage]] = {
    "JPEG": jpeg.sanitise,
    "PNG": png.sanitise,
    "TIFF": tiff.sanitise,
    "BMP": bmp.sanitise,
}

_SIGNATURES = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
)

_OTHERS = (
    (0, b"GIF8", "a GIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftyp", "a video"),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL picture"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
)

# Types of the values that groups 2 and 8 begin with, whose length takes four bytes or two.
_LONG_VALUES = frozenset({b"OB", b"SQ", b"UN"})
_SHORT_VALUES = frozenset({b"UL", b"UI", b"CS", b"DA", b"TM", b"LO", b"SH", b"PN", b"IS"})

__all__ = [
    "ACCEPTED",
    "SanitisedImage",
    "SeveralPicturesError",
    "UnsupportedVariantError",
    "describe",
    "is_picture",
    "sanitise",
    "sniff",
]


def sanitise(kind: str, data: bytes) -> SanitisedImage:
    """The picture in `data`, of the accepted format `kind`, for Pillow to open.

    Raises SeveralPicturesError, UnsupportedVariantError, and whatever reading damaged bytes may.
    """
    return _SANITISERS.get(kind, SanitisedImage)(data)


def sniff(data: bytes) -> str | None:
    """Name of the accepted format that `data` begins as; None where it is none of them."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    # Two letters begin many a text, so the header's size must fit as well.
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in bmp.HEADER_SIZES:
        return "BMP"
    for start, signature, name in _SIGNATURES:
        if data.startswith(signature, start):
            return name
    return None


def describe(data: bytes) -> str:
    """What `data`, of no accepted format, seems to be; a few words for an error sentence."""
    for start, signature, name in _OTHERS:
        if data.startswith(signature, start):
            return name
    if _is_bare_dicom(data):
        return "a DICOM file"
    head = data[:512]
    # A character of several bytes may be torn at the cut: up to three of its bytes are ignored.
    text = head.decode("utf-8", errors="ignore")
    is_text = text and len(head) - len(text.encode()) < 4
    if is_text and all(c.isprintable() or c in "\t\r\n\ufeff" for c in text):
        return "a text file"
    return "of an unknown kind"


def _is_bare_dicom(data: bytes) -> bool:
    """Whether `data` begins with DICOM's first elements, as files without a preamble do.

    They have group 2 or 8, in either byte order, with or without the type of their value (PS3.5,
    chapter 7); the element after the first has a larger number.
    """
    for order in "<>":
        try:
            group, element = struct.unpack_from(order + "HH", data)
            if data[4:6] in _LONG_VALUES:
                end = 12 + struct.unpack_from(order + "I", data, 8)[0]
            elif data[4:6] in _SHORT_VALUES:
                end = 8 + struct.unpack_from(order + "H", data, 6)[0]
            else:
                end = 8 + struct.unpack_from(order + "I", data, 4)[0]
            following = struct.unpack_from(order + "HH", data, end)
        except struct.error:
            continue
        if group in (2, 8) and (group, element) < following < (9, 0):
            return True
    return False


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with `head` is a picture, of an accepted format or another.

    Examples:
        >>> is_picture(b"GIF89a"), is_picture(b"%PDF-1.7")
        (True, False)
    """
    return sniff(head) is not None or describe(head).endswith((" picture", "DICOM file"))
