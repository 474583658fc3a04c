"""Image file directories: the tables of tags that TIFF files and EXIF blocks are made of.

Layout: TIFF 6.0, section 2 (Adobe, 1992), and the BigTIFF extension (libtiff). Pillow reads them
too, but warns of each damaged tag: a hostile file makes it print 100,000 lines, and remember them.
"""

import struct
from dataclasses import dataclass

ORIENTATION = 274

# Bytes of one value of each field type: TIFF 6.0 page 15, and 16 for BigTIFF's LONG8.
_UNIT_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_UNSIGNED = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_ENTRIES = 4096


@dataclass(frozen=True)
class Entry:
    """One tag: its field type, how many values it has, and where the first of them stands."""

    type: int
    count: int
    start: int


class TagFile:
    """The bytes of a TIFF file or an EXIF block, read as numbers and directories.

    `first`: offset of the first directory; `big`: whether it is a BigTIFF.
    Every reading raises ValueError or struct.error where the bytes are damaged or end early.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        orders = {b"II": "<", b"MM": ">"}
        if data[:2] not in orders:
            raise ValueError("no byte order")
        self.order = orders[data[:2]]
        magic = self.unpack("H", 2)[0]
        if magic not in (42, 43):
            raise ValueError("no TIFF header")
        self.big = magic == 43
        self.offset, self.count = ("Q", "Q") if self.big else ("I", "H")
        self.first = self.unpack(self.offset, 8 if self.big else 4)[0]

    def unpack(self, code: str, start: int) -> tuple[int, ...]:
        """Integers at `start`."""
        if start > len(self.data):
            raise ValueError("an offset beyond the end")
        return struct.unpack_from(self.order + code, self.data, start)

    def pack(self, code: str, *values: int) -> bytes:
        """Integers as bytes in the file's order."""
        return struct.pack(self.order + code, *values)

    def directory(self, start: int) -> tuple[dict[int, Entry], int]:
        """The directory at `start`: the first entry of each tag, and the next one's offset."""
        count = self.unpack(self.count, start)[0]
        if count > _MAX_ENTRIES:
            raise ValueError(f"a directory of {count} entries")
        width = struct.calcsize(self.offset)
        position = start + struct.calcsize("=" + self.count)
        entries: dict[int, Entry] = {}
        for _ in range(count):
            tag, kind, length = self.unpack("HH" + self.offset, position)
            values = position + 4 + width
            if length * _UNIT_SIZES.get(kind, 0) > width:
                values = self.unpack(self.offset, values)[0]
            if kind in _UNIT_SIZES and length:
                entries.setdefault(tag, Entry(kind, length, values))
            position += 4 + 2 * width
        return entries, self.unpack(self.offset, position)[0]

    def values(self, entry: Entry, most: int) -> tuple[int, ...]:
        """The first `most` values of a tag of unsigned integers; KeyError where it has others."""
        return self.unpack(f"{min(entry.count, most)}{_UNSIGNED[entry.type]}", entry.start)

    def raw(self, entry: Entry) -> bytes:
        """The values of a tag as they stand; empty where they end after the file does."""
        end = entry.start + entry.count * _UNIT_SIZES[entry.type]
        return self.data[entry.start : end] if end <= len(self.data) else b""

    def packed(self, tag: int, entry: Entry) -> bytes:
        """`entry` as it stands in a directory."""
        size = entry.count * _UNIT_SIZES[entry.type]
        if entry.start + size > len(self.data):
            raise ValueError(f"the values of tag {tag} end early")
        width = struct.calcsize(self.offset)
        if size > width:
            field = self.pack(self.offset, entry.start)
        else:
            field = self.data[entry.start : entry.start + size].ljust(width, b"\0")
        return self.pack("HH" + self.offset, tag, entry.type, entry.count) + field

    def orientation(self, entries: dict[int, Entry]) -> int:
        """The tag Orientation, 1 to 8; 1 where it is absent or holds something else."""
        entry = entries.get(ORIENTATION)
        if entry is None or entry.type not in _UNSIGNED:
            return 1
        value = self.values(entry, 1)[0]
        return value if 1 <= value <= 8 else 1


def exif_orientation(block: bytes) -> int:
    """Orientation of an EXIF block, 1 to 8; 1 where it says none or is damaged.

    A picture with a damaged EXIF block is still a picture, so nothing is raised.
    """
    try:
        file = TagFile(block.removeprefix(b"Exif\0\0"))
        return file.orientation(file.directory(file.first)[0])
    except (ValueError, struct.error):
        return 1
