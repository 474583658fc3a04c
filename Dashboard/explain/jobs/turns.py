"""Threads of one worker that may not compute at once: the fast lane's go first.

torch's and numpy's random numbers are the process's, and hooks are set on shared networks, so only
one thread computes. Between two of its batches one that takes long lets the others in, whose random
numbers begin at a seed and end as they were.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Who may compute."""

    def __init__(self) -> None:
        self._computing = threading.Lock()
        self._changed = threading.Condition()
        self._first = 0  # that wait

    @contextmanager
    def turn(self, *, first: bool) -> Iterator[None]:
        """Compute: as soon as another lets this one, or when none that goes first waits."""
        if first:
            self._count(1)
            self._computing.acquire()
            self._count(-1)
        else:
            self._acquire_last()
        try:
            yield
        finally:
            self._computing.release()

    def let_in(self) -> float:
        """Let those compute that go first, where there are such; seconds that this took."""
        if not self._first:
            return 0.0
        start = time.monotonic()
        self._computing.release()
        self._acquire_last()
        return time.monotonic() - start

    def _acquire_last(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._first)
            self._computing.acquire()
            if not self._first:
                return
            self._computing.release()

    def _count(self, change: int) -> None:
        with self._changed:
            self._first += change
            self._changed.notify_all()
