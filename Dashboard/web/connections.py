"""A client's connection: what it has sent of a request, what it waits for, and who goes first."""

import socket
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from Dashboard.web.arriving import Body, Head, Pace, Patience, Pieces
from Dashboard.web.outgoing import Outgoing

State = Literal["head", "room", "body", "thread", "sending", "lingering"]
# A body that has just begun, or comes quickly, counts as long as it will be.
YOUNG_SECONDS, QUICK_BYTES = 0.5, 64 * 1024
# Bodies that are read and worked on at the same time, in the longest that there may be: of all
# addresses and of one. One of a part of the longest waits for no room.
BODIES, BODIES_OF_ONE, SMALL_BODY = 8, 6, 1 / 16
# Of all connections, the part that one address may hold.
SHARE_OF_CONNECTIONS = 0.25
# An answer of which the client has taken nothing for so long is not on its way.
STUCK_SECONDS = 5.0


class Readable:
    """A request's body whose own mistakes, a malformed chunk for one, are read errors."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end; OSError where there is a mistake."""
        try:
            return bytes(self._body.read(size))
        except OSError:
            raise
        except Exception as error:
            raise OSError("the body is malformed") from error


class Connection:
    """One client's connection: in the hands of the loop, or of a thread while `state` says so."""

    def __init__(self, wire: socket.socket, client: Any, server: Any, patience: Patience) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.address = client[0] if isinstance(client, tuple) else ""
        self.sock = Outgoing(wire, patience)  # under the name that gunicorn's worker calls it by
        # Whether many clients come by its address: a proxy's, or a socket of this machine.
        self.shared = False
        self.parser: Any = None
        self.state: State = "head"
        self.close_after = False
        self.begin(time.monotonic(), patience.first)

    def begin(self, now: float, seconds: float) -> None:
        """Wait for a request, of which `seconds` may pass before the first byte."""
        self.state = "head"
        self.since, self.until = now, now + seconds
        self.head, self.pieces = Head(), Pieces(b"")
        self.body: Body | None = None
        self.pace: Pace | None = None
        self.request: Any = None

    @property
    def size(self) -> int:
        """Bytes of a body that it holds."""
        return 0 if self.body is None else self.body.size

    @property
    def idle(self) -> bool:
        """Whether it has sent nothing of a request."""
        return self.state == "head" and not self.head.data

    def reserved(self, now: float) -> int:
        """Bytes of its body that memory is kept for."""
        if self.body is None or self.state == "room":
            return 0
        passed = now - self.since
        if passed < YOUNG_SECONDS or self.body.size > passed * QUICK_BYTES:
            return max(self.body.size, self.body.announced)
        return self.body.size

    def speed(self, now: float) -> float:
        """Bytes a second of what is arriving; the least for one that does nothing."""
        if self.state == "sending":
            return float("inf") if now - self.sock.moved < STUCK_SECONDS else -1.0
        if self.state == "lingering" or self.idle:
            return -1.0
        return (len(self.head.data) + self.size) / max(now - self.since, 1.0)


def crowded(open_now: Iterable[Connection], new: Connection, most: int) -> list[Connection]:
    """The connections of which one has to go before a new one is taken; none: there is place.

    most: connections that there may be. Of an address that has its share, it is one of its own.
    """
    found = list(open_now)
    ours = [one for one in found if one.address == new.address]
    if not new.shared and len(ours) >= SHARE_OF_CONNECTIONS * most:
        return ours
    if len(found) < most:
        return []
    holders = Counter(one.address for one in found)
    return [one for one in found if one.address == holders.most_common(1)[0][0]]


def least_busy(among: Iterable[Connection]) -> Connection | None:
    """The connection that does the least, the oldest of several; None: threads have them all."""
    now = time.monotonic()
    found = [one for one in among if one.state != "thread"]
    return min(found, key=lambda one: (one.speed(now), one.since), default=None)


def admitted(open_now: Iterable[Connection], longest: int) -> list[Connection]:
    """The connections that wait for room whose bodies can be read, in the order in which they came.

    longest: the longest body that there may be, in bytes.
    """
    found = list(open_now)
    waiting = sorted((one for one in found if one.state == "room"), key=lambda one: one.since)
    if not waiting:
        return []
    now = time.monotonic()
    held: Counter[str] = Counter()
    for one in found:
        held[one.address] += one.reserved(now)
    taken = []
    for conn in waiting:
        size = 0 if conn.body is None else conn.body.announced
        room = BODIES * longest - held.total()
        if not conn.shared:
            room = min(room, BODIES_OF_ONE * longest - held[conn.address])
        if size <= max(room, longest * SMALL_BODY):
            held[conn.address] += size
            taken.append(conn)
    return taken
