"""One request as it arrives, and whether a connection moves fast enough to be waited for.

Needs no socket and reads no clock: both are the worker's, `Dashboard.web.worker`.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gunicorn.http.body import ChunkedReader, LengthReader

HEAD_END = b"\r\n\r\n"
CHUNK = re.compile(rb"([0-9a-fA-F]{1,12})[ \t]*(;[\t -~\x80-\xff]*)?\r")
CHUNK_LINE_BYTES = 8192


@dataclass(frozen=True)
class Patience:
    """How long a client is waited for.

    first: seconds until all of a request's head has come, from its first byte or from the
        connection.
    window, least: a body or an answer that moves less than `least` bytes in `window` seconds is
        given up; so much comes over a line of 2 KB/s.
    total: seconds for all of a body or of an answer, however it moves: 20 MB at 35 KB/s.
    linger: seconds in which the rest of a body that nobody reads is still taken off the
        connection, so that the client sees the answer rather than an error.
    room: seconds that a body waits for room in memory before it is read.
    head_bytes: longest head.
    """

    first: float = 15.0
    window: float = 30.0
    least: int = 64 * 1024
    total: float = 600.0
    linger: float = 10.0
    room: float = 60.0
    head_bytes: int = 64 * 1024


class Pace:
    """How something moves: late where it stands still for a window, or is not through in time."""

    def __init__(self, now: float, patience: Patience) -> None:
        self._patience, self._end = patience, now + patience.total
        self._since, self._moved = now, 0

    def moved(self, size: int) -> None:
        """So many bytes more."""
        self._moved += size

    def late(self, now: float) -> bool:
        """Whether it is to be given up; to be asked about once a second."""
        if now >= self._since + self._patience.window:
            slow = self._moved < self._patience.least
            self._since, self._moved = now, 0
            return slow
        return now >= self._end


class Pieces(Iterator[bytes]):
    """What has arrived, for gunicorn's parser: at its end the parser sees the end of the data."""

    def __init__(self, first: bytes) -> None:
        self._pieces = deque([first])

    def add(self, piece: bytes) -> None:
        """Put another one behind the others."""
        self._pieces.append(piece)

    def rest(self) -> bytes:
        """All that the parser has not taken yet."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return rest

    def __next__(self) -> bytes:
        if not self._pieces:
            raise StopIteration
        return self._pieces.popleft()


class Head:
    """The first bytes of a request, up to the empty line."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> bool:
        """Whether the head is whole now; what follows it may have come along."""
        self.data += data
        found = self.data.find(HEAD_END, max(0, self._searched - len(HEAD_END) + 1))
        self._searched = len(self.data)
        return found >= 0


class Body:
    """Says when the body of a request is whole; its bytes are not kept here.

    reader: gunicorn's, which knows how the body ends.
    most: longest body that is waited for; what frames its chunks may take as much again.
    """

    def __init__(self, reader: object, most: int) -> None:
        self.size = 0
        self.announced = reader.length if isinstance(reader, LengthReader) else most
        self.chunks = Chunks() if isinstance(reader, ChunkedReader) else None
        self._most = most

    def feed(self, data: bytes) -> None:
        """So much more of it has come."""
        self.size += len(data)
        if self.chunks is not None:
            self.chunks.feed(data)

    @property
    def whole(self) -> bool:
        """All of it is there."""
        return self.size >= self.announced if self.chunks is None else self.chunks.ended

    @property
    def hopeless(self) -> bool:
        """It is too long or malformed: the application answers so without the rest."""
        if self.chunks is None:
            return self.announced > self._most
        data = self.chunks.data_bytes
        return data > self._most or self.size - data > self._most or self.chunks.malformed


class Chunks:
    """Finds the end of a body that comes in chunks (RFC 9112, section 7.1).

    data_bytes: how much of the body itself has come, without what frames it.
    """

    def __init__(self) -> None:
        self.ended = self.malformed = False
        self.data_bytes = 0
        self._line = bytearray()
        self._skip = 0
        self._trailer = self._behind = False

    def feed(self, data: bytes) -> None:
        """The next bytes of the body."""
        at = 0
        while at < len(data) and not self.ended and not self.malformed:
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                self.data_bytes += step
                at += step
                continue
            end = data.find(b"\n", at)
            self._line += data[at : end if end >= 0 else len(data)]
            if len(self._line) > (1 if self._behind else CHUNK_LINE_BYTES):
                self.malformed = True
            if end < 0:
                return
            at = end + 1
            self._read(bytes(self._line))
            self._line.clear()

    def _read(self, line: bytes) -> None:
        if self._trailer:
            self.ended = line == b"\r"
            return
        if self._behind:  # the line break behind a chunk's data
            self._behind = False
            self.malformed = line != b"\r"
            return
        size = CHUNK.fullmatch(line)
        if size is None:
            self.malformed = True
            return
        length = int(size[1], 16)
        self._trailer = length == 0
        self._skip, self._behind = length, length > 0
