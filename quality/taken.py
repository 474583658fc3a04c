"""When a picture was taken, as its camera wrote it into the file."""

import re
import struct
from datetime import datetime

from quality.formats import sanitise, sniff
from quality.formats.ifd import TagFile

EXIF_DIRECTORY, TAKEN, OFFSET = 34665, 36867, 36881  # EXIF 2.32, section 4.6
_TIME = re.compile(rb"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(rb"[+-]\d\d:\d\d")
_YEARS = range(1900, 2200)


def taken(data: bytes) -> datetime | None:
    """The EXIF tag DateTimeOriginal of a file, with its offset from UTC where that is said.

    None where the file has none, or what no calendar has; nothing is raised, whatever the bytes.

    Examples:
        >>> taken(b"no picture") is None
        True
    """
    kind = sniff(data)
    if kind is None:
        return None
    try:
        block = _webp_exif(data) if kind == "WebP" else sanitise(kind, data).exif
        return _original(TagFile(block.removeprefix(b"Exif\0\0")))
    except Exception:  # readers of formats raise a dozen kinds, and the picture is one without
        return None


def _original(file: TagFile) -> datetime | None:
    first, _ = file.directory(file.first)
    entries, _ = file.directory(file.values(first[EXIF_DIRECTORY], 1)[0])
    found = _TIME.match(file.raw(entries[TAKEN]))
    if found is None or int(found[1]) not in _YEARS:
        return None
    text = "{}-{}-{}T{}:{}:{}".format(*(part.decode() for part in found.groups()))
    offset = _OFFSET.match(file.raw(entries[OFFSET])) if OFFSET in entries else None
    return datetime.fromisoformat(text + (offset[0].decode() if offset else ""))


def _webp_exif(data: bytes) -> bytes:
    """The chunk EXIF of a WebP file (RFC 9649, section 2.7)."""
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF":
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return b""
