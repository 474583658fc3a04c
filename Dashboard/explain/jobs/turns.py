"""Two threads of one worker that may not compute at once: the fast lane's goes first.

torch's and numpy's random numbers are the process's, and hooks are set on shared networks, so only
one of them computes. Between two of its batches the slow one lets the fast one in, whose random
numbers begin at a seed and end as they were.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Turns:
    """Who may compute."""

    def __init__(self) -> None:
        self._computing = threading.Lock()
        self._changed = threading.Condition()
        self._first = 0

    @contextmanager
    def first(self) -> Iterator[None]:
        """Compute as soon as the other one lets this one."""
        self._count(1)
        try:
            with self._computing:
                yield
        finally:
            self._count(-1)

    @contextmanager
    def last(self) -> Iterator[Callable[[], float]]:
        """Compute when nobody goes first; what is yielded lets others in: how long they took."""
        self._wait()
        try:
            yield self._let_in
        finally:
            self._computing.release()

    def _let_in(self) -> float:
        if not self._first:
            return 0.0
        start = time.monotonic()
        self._computing.release()
        self._wait()
        return time.monotonic() - start

    def _wait(self) -> None:
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
