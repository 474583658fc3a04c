"""How a computation tells how far it is, and how it is stopped."""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]


class Cancelled(Exception):  # noqa: N818 (it tells what happened; nothing is wrong)
    """The explanation was stopped because `cancelled()` said so."""


class Meter:
    """Counts pictures that have run through the network.

    `step` reports the share done, 0 to 1 and never less than before, and raises Cancelled where
    the caller wants to stop.
    """

    def __init__(
        self,
        total: float,
        progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._total = max(float(total), 1.0)
        self._done = 0.0
        self._progress = progress
        self._cancelled = cancelled

    def step(self, pictures: float = 0.0) -> None:
        """Count `pictures` as done."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("the explanation was cancelled")
        self._done += pictures
        if self._progress is not None:
            # The last step is reported when the map is ready.
            self._progress(min(self._done / self._total, 0.99))

    def finish(self) -> None:
        """Report that everything is done."""
        if self._progress is not None:
            self._progress(1.0)
