"""The sending side of a connection: what a slow client has not taken yet waits here."""

import select
import socket
import time
from collections import deque

from Dashboard.web.arriving import Pace, Patience

# So much of an answer waits without its thread; what is longer is made as it is taken.
MOST_WAITING_BYTES = 8 * 2**20
ONCE_BYTES = 256 * 1024


class Outgoing:
    """Stands in for the socket where gunicorn writes an answer; for one thread at a time.

    A thread that is done goes on to the next request, and the worker's loop sends the rest.

    size: bytes that wait.
    moved: when the client took some of them.
    """

    def __init__(self, wire: socket.socket, patience: Patience) -> None:
        self._wire, self._patience = wire, patience
        self._waiting: deque[memoryview] = deque()
        self.size = 0
        self.moved = time.monotonic()
        self._pace: Pace | None = None

    def sendall(self, data: bytes) -> None:
        """Send what the client takes at once, keep the rest.

        Raises:
            OSError: the client is gone, or takes too little (TimeoutError).
        """
        self._waiting.append(memoryview(data))
        self.size += len(data)
        self.push()
        if self.size > MOST_WAITING_BYTES:
            ready = select.poll()
            ready.register(self._wire, select.POLLOUT)
            while self.size > MOST_WAITING_BYTES:
                ready.poll(1000 * min(1.0, self._patience.window / 4))
                self.push()
                if self.late(time.monotonic()):
                    raise TimeoutError("the client does not take the answer")

    def push(self) -> None:
        """Send what the client takes now; OSError where it is gone."""
        while self._waiting:
            piece = self._waiting[0]
            try:
                sent = self._wire.send(piece[:ONCE_BYTES])
            except BlockingIOError:
                if self._pace is None:
                    self.moved = time.monotonic()
                    self._pace = Pace(self.moved, self._patience)
                return
            self.size -= sent
            self.moved = time.monotonic()
            if self._pace is not None:
                self._pace.moved(sent)
            if sent < len(piece):
                self._waiting[0] = piece[sent:]
            else:
                self._waiting.popleft()
        self._pace = None

    def late(self, now: float) -> bool:
        """Whether the client takes too little; to be asked about once a second."""
        return self._pace is not None and self._pace.late(now)

    # What else gunicorn does with a socket while it answers. The loop closes it.
    send = sendall

    def gettimeout(self) -> float:
        """It never blocks."""
        return 0.0

    def settimeout(self, seconds: float | None) -> None:
        """Nothing: it never blocks."""

    def recv(self, size: int) -> bytes:
        """Nothing: the loop reads."""
        return b""

    def shutdown(self, how: int) -> None:
        """Nothing: the loop does it once all has been sent."""

    def close(self) -> None:
        """Nothing: the loop does it."""
