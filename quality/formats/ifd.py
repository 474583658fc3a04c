"""Image file directories: the tables of tags that TIFF files and EXIF blocks are made of.

Layout: TIFF 6.0, section 2 (Adobe, 1992), and the BigTIFF extension (libtiff).
"""

import struct
from dataclasses import dataclass
from typing import Literal

UNIT_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
"""Bytes of one value of each field type; TIFF 6.0 page 15, and 16 for BigTIFF's LONG8."""

INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""Struct code of each unsigned integer field type."""

_MAX_ENTRIES = 4096
_ORIENTATION = 274


@dataclass(frozen=True)
class Layout:
    """Byte order and width of the numbers of one TIFF file."""

    order: Literal["<", ">"]
    big: bool

    @property
    def offset_size(self) -> int:
        """Bytes of an offset, and of the value field of an entry."""
        return 8 if self.big else 4

    @property
    def offset(self) -> str:
        """Struct code of an offset."""
        return "Q" if self.big else "I"

    def unpack(self, code: str, data: bytes, start: int) -> tuple[int, ...]:
        """Integers at `start`; struct.error where `data` ends before."""
        return struct.unpack_from(self.order + code, data, start)

    def pack(self, code: str, *values: int) -> bytes:
        """Integers as bytes in this order."""
        return struct.pack(self.order + code, *values)


@dataclass(frozen=True)
class Entry:
    """One tag: its field type, how many values, and the value field as it stands in the file."""

    tag: int
    type: int
    count: int
    field: bytes

    @property
    def size(self) -> int:
        """Bytes of all values together."""
        return self.count * UNIT_SIZES[self.type]


@dataclass(frozen=True)
class Directory:
    """The entries of one directory by tag (the first of each), and the next directory's offset."""

    entries: dict[int, Entry]
    next: int


def read_header(data: bytes) -> tuple[Layout, int]:
    """Layout of a TIFF file and offset of its first directory. Raises ValueError, struct.error."""
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    if data[:2] not in orders:
        raise ValueError("no byte order")
    order = orders[data[:2]]
    magic = Layout(order, False).unpack("H", data, 2)[0]
    if magic not in (42, 43):
        raise ValueError("no TIFF header")
    layout = Layout(order, magic == 43)
    return layout, layout.unpack(layout.offset, data, 8 if layout.big else 4)[0]


def read_directory(data: bytes, layout: Layout, start: int) -> Directory:
    """The directory at `start`. Raises ValueError, struct.error where it is damaged."""
    count = layout.unpack("Q" if layout.big else "H", data, start)[0]
    if count > _MAX_ENTRIES:
        raise ValueError(f"a directory of {count} entries")
    position = start + (8 if layout.big else 2)
    entries: dict[int, Entry] = {}
    for _ in range(count):
        tag, kind, length = layout.unpack("HH" + layout.offset, data, position)
        position += 4 + layout.offset_size
        field = data[position : position + layout.offset_size]
        position += layout.offset_size
        if kind in UNIT_SIZES and length:
            entries.setdefault(tag, Entry(tag, kind, length, field))
    return Directory(entries, layout.unpack(layout.offset, data, position)[0])


def values(data: bytes, layout: Layout, entry: Entry, most: int) -> tuple[int, ...]:
    """The first `most` values of an integer tag. Raises ValueError, struct.error, KeyError."""
    code = INTEGERS[entry.type]
    count = min(entry.count, most)
    if entry.size <= layout.offset_size:
        return layout.unpack(f"{count}{code}", entry.field, 0)
    start = layout.unpack(layout.offset, entry.field, 0)[0]
    return layout.unpack(f"{count}{code}", data, start)


def orientation(data: bytes, layout: Layout, directory: Directory) -> int:
    """The tag Orientation, 1 to 8; 1 where it is absent or holds something else."""
    entry = directory.entries.get(_ORIENTATION)
    if entry is None or entry.type not in INTEGERS:
        return 1
    value = values(data, layout, entry, 1)[0]
    return value if 1 <= value <= 8 else 1


def exif_orientation(block: bytes) -> int:
    """Orientation of an EXIF block, 1 to 8; 1 where it says none or is damaged.

    A picture with a damaged EXIF block is still a picture, so nothing is raised.
    """
    block = block.removeprefix(b"Exif\0\0")
    try:
        layout, start = read_header(block)
        return orientation(block, layout, read_directory(block, layout, start))
    except (ValueError, struct.error):
        return 1
