"""A deadline for what runs in a thread and cannot be told to stop: decoding an image.

Limits on what is decoded (`quality/formats/`) keep it to about two seconds of a core. This is for
the file that nobody thought of: a thread inside a C library cannot be ended, its process can. Other
requests have their time to end, and gunicorn starts another process.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

logger = logging.getLogger("gunicorn.error")
end_process: Callable[[int], object] = os._exit

SECONDS = 30.0
"""Fifteen times what the costliest file may take, since others may want the cores, too."""

_held: dict[int, tuple[float, Callable[[], None]]] = {}
_late: set[int] = set()


@contextmanager
def held(when_missed: Callable[[], None]) -> Iterator[None]:
    """Hold what this thread does in the block to the deadline. Not to be nested.

    when_missed: called once where it is: gives back what other threads wait for.

    >>> with held(lambda: None):
    ...     missed()
    False
    """
    thread = threading.get_ident()
    _late.discard(thread)
    _held[thread] = (time.monotonic(), when_missed)
    try:
        yield
    finally:
        del _held[thread]
        _late.discard(thread)


def missed() -> bool:
    """Whether a thread of this process is beyond the deadline. To be called by one thread."""
    now = time.monotonic()
    for thread, (since, when_missed) in list(_held.items()):
        if now - since > SECONDS and thread not in _late:
            _late.add(thread)
            when_missed()
    # One that ended while this looked at it is late no longer.
    return not _late.isdisjoint(_held)


def leave(waiting: Iterable[socket.socket], answer: bytes) -> None:
    """Where the deadline is missed, send `answer` to clients that still wait, and end this process.

    At once: Python would wait for the thread before it ends by itself.
    """
    if missed():
        logger.error("decoding an image took longer than %g s: this process ends", SECONDS)
        for client in waiting:
            with suppress(OSError):
                client.send(answer)
        end_process(1)
