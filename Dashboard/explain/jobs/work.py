"""What a worker does: take the next row of a lane, compute, keep what came out."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import quality
from Dashboard.explain.jobs.computing import Compute, Stopped
from Dashboard.explain.jobs.lanes import Queues
from Dashboard.explain.jobs.order import LANES, Lane, Order
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.explanation_work import ExplanationWork
from Dashboard.store.schema import Explanation
from models.errors import CheckpointError

BEAT_SECONDS = 0.5
KEEP_SECONDS = 1.0

logger = logging.getLogger(__name__)
Wake = Callable[[], object]


class Pulse:
    """How far a job is, said from a thread for as long as this lasts.

    beat: says it, and whether to go on.
    """

    def __init__(self, beat: Callable[[float], bool]) -> None:
        self._beat = beat
        self._end = threading.Event()
        self._fraction = 0.0
        self._wanted = True

    def progress(self, fraction: float) -> None:
        """Say so the next time."""
        self._fraction = round(min(max(fraction, 0.0), 1.0), 4)

    def stopped(self) -> bool:
        """Whether to stop."""
        return not self._wanted

    @contextmanager
    def beating(self) -> Iterator["Pulse"]:
        """Say it from now on."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        while self._wanted and not self._end.wait(BEAT_SECONDS):
            try:
                self._wanted = self._beat(self._fraction)
            except Exception as error:  # the next beat may find the store again
                logger.warning("a sign of life was not taken (%s)", type(error).__name__)


class Work:
    """The work of one worker on the rows of one store.

    name: of the worker, which no other one has at the same time.
    """

    def __init__(self, work: ExplanationWork, name: str, compute: Compute) -> None:
        self.work, self.name, self._compute = work, name, compute

    def take(self, lane: Lane) -> bool:
        """Carry out the next job of a lane; False where none waits.

        Raises:
            StoreUnavailable: the rows cannot be reached.
        """
        row = self.work.claim(lane, self.name)
        if row is None:
            return False
        pulse = Pulse(lambda fraction: self.work.beat(row.key, self.name, fraction))
        with pulse.beating():
            sentence = self._sentence(row, lane, pulse)
        if sentence is not None:
            self.work.fail(row.key, self.name, sentence)
        self._compute.give_back()
        return True

    def _sentence(self, row: Explanation, lane: Lane, pulse: Pulse) -> str | None:
        """Why there is no explanation; None where there is one, or nobody wants it."""
        try:
            data = self.work.rows.picture(row)
            if data is None:
                return "the explanation waited too long, and its picture was deleted"
            order = Order(**row.order)
            found = self._compute(data, order, lane, pulse.progress, pulse.stopped)
            self.work.finish(row.key, self.name, found.map, found.seconds, found.result)
        except Stopped:
            return None
        except Exception as error:
            return in_words(error)
        return None

    def keep(self, queues: Queues, wake: dict[Lane, Wake], end: threading.Event) -> None:
        """Look after rows that nobody looks after, until the end.

        Those whose worker was killed, that nobody wants, or whose message was lost.
        """
        while not end.wait(KEEP_SECONDS):
            try:
                self.work.sweep()
                for lane in LANES:
                    if self.work.waiting(lane) and not queues[lane].pending_count():
                        wake[lane]()
            except Exception as error:  # the next time may find the store again
                logger.warning("explanations were not looked after (%s)", type(error).__name__)


def in_words(error: Exception) -> str:
    """Why there is no explanation, for users; what nobody expected is logged.

    Then neither its text nor its values, which may hold something of the picture, but where it
    happened. A checkpoint's error names a folder of the server.
    """
    if isinstance(error, CheckpointError):
        logger.error("a checkpoint cannot be used: %s", error)
        return "a checkpoint cannot be read; the server's log says which and why"
    if isinstance(error, quality.ImageError | ValueError | StoreFull | StoreUnavailable):
        return str(error)
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
    name = type(error).__name__
    logger.error("an explanation failed: %s at %s", name, place)
    return f"the explanation failed in the worker ({name})"
