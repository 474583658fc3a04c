"""Zip archives of images: taken apart one file at a time, within bounds that do not trust them."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from lzma import LZMAError

from Dashboard.web.errors import InputError
from quality.inputs import is_hidden
from quality.names import printable

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
# An office document is one, too.
OFFICE = "[Content_Types].xml"
MOST_ENTRIES = 2000
# Unpacked, in the largest images; pictures hardly shrink, so what unpacks to more is no clinic's.
MOST_UNPACKED_IMAGES = 100
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Entry:
    """A file of an archive: its path and its bytes, or why there are none.

    number: its place in the archive, the same each time.
    """

    number: int
    file: str
    data: bytes = b""
    error: str | None = None


def is_archive(data: bytes) -> bool:
    """Whether a file is a zip archive, and none that is an office document."""
    return data.startswith(SIGNATURES) and OFFICE.encode() not in data[:4096]


class Archive:
    """A zip archive that came as `file`.

    most: bytes that one of its images may have.
    left_out: paths of what is hidden or of the system.

    Raises:
        InputError: 400 or 413: it cannot be opened, or holds more than is accepted.
    """

    def __init__(self, data: bytes, file: str, most: int) -> None:
        self._most, self._file = most, file
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except BROKEN:
            raise InputError("the zip archive is damaged or not whole; pack it again") from None
        found = [one for one in self._zip.infolist() if not one.is_dir()]
        if len(found) > MOST_ENTRIES:
            raise InputError(
                f"the zip archive holds {len(found):,} files; accepted are at most "
                f"{MOST_ENTRIES:,}; pack it as several",
                413,
            )
        self._left = MOST_UNPACKED_IMAGES * most
        if sum(one.file_size for one in found) > self._left:
            raise InputError(
                "the zip archive unpacks to more than "
                f"{self._left // 2**20:,} MB, the most that is accepted; pack it as several",
                413,
            )
        paths = [(number, one, _path(one.filename)) for number, one in enumerate(found)]
        kept = [one for one in paths if not any(map(is_hidden, one[2].split("/")))]
        self.left_out = [path for one in paths if one not in kept for path in [printable(one[2])]]
        self._entries = kept

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Iterator[Entry]:
        """Its files in their order; one that is broken or too large says so and costs no other."""
        for number, info, path in self._entries:
            file = printable(f"{self._file}/{path}")
            try:
                yield Entry(number, file, self._read(info))
            except InputError as error:
                yield Entry(number, file, error=str(error))
            except BROKEN:
                yield Entry(
                    number, file, error="the file is damaged in the archive, or has a password"
                )

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        most = min(self._most, self._left)
        # What an archive says of a file's size need not be so: no more is unpacked than accepted.
        size = info.file_size
        if size <= most:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
            self._left -= len(data)
            size = len(data)
            if size <= most:
                if data.startswith(SIGNATURES):
                    raise InputError("a zip archive within a zip archive is not opened")
                return data
        raise InputError(
            f"the file has more than {self._most / 2**20:g} MB, the most that is accepted"
        )


def _path(name: str) -> str:
    """A path inside the archive, whoever packed it, without a way out of it."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "unnamed"
