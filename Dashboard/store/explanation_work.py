"""The workers' side of explanations: taking one, saying how far it is, what came out.

What is written here is written only where the worker still has the row.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from Dashboard.store.database import in_words
from Dashboard.store.explanation_rows import IS_OPEN, LOCK, UNWANTED, ExplanationRows
from Dashboard.store.schema import Explanation

# How long a worker that says nothing is believed to live; it says something every second.
LEASE = timedelta(seconds=8)
# So often one is begun: what kills each worker that tries must not go on for ever.
TRIES = 3
WORKER_DIED = (
    f"the worker that explains was stopped in the middle of this explanation {TRIES} times; "
    "ask again later"
)


class ExplanationWork:
    """The rows of one store, for those who work on them."""

    def __init__(self, rows: ExplanationRows) -> None:
        self.rows = rows

    def claim(self, lane: str, worker: str) -> Explanation | None:
        """The next of a lane, which is this worker's now; None where none waits.

        Raises:
            StoreUnavailable.
        """
        now = self.rows.now()
        waits = (
            Explanation.state == "queued",
            Explanation.lane == lane,
            Explanation.wanted_until > now,
        )
        found = select(Explanation).where(*waits, self.rows.in_force())
        with self.rows.place.database.writing(LOCK) as session:
            first = found.order_by(Explanation.turn, Explanation.id).limit(1)
            row = session.scalar(first.with_for_update(skip_locked=True))
            if row is not None:
                row.state, row.worker, row.lease = "running", worker, now + LEASE
                row.tries, row.started, row.fraction = row.tries + 1, now, 0.0
            return row

    def beat(self, key: str, worker: str, fraction: float) -> bool:
        """Renew the lease of a worker and say how far it is; False where it is to stop.

        Raises:
            StoreUnavailable.
        """
        now = self.rows.now()
        mine = _running(worker)
        wanted = (*mine, Explanation.wanted_until > now, self.rows.in_force())
        if self.rows.change(key, *wanted, lease=now + LEASE, fraction=fraction):
            return True
        self.rows.end(key, "cancelled", UNWANTED, *mine)
        return False

    def finish(
        self, key: str, worker: str, values: bytes, seconds: float | None, result: Mapping[str, Any]
    ) -> bool:
        """Keep the map of a worker's row, a .npy file; False where nobody wants it any more.

        seconds: what such a map takes, where this one says so.

        Raises:
            StoreFull, StoreUnavailable.
        """
        place, now = self.rows.place, self.rows.now()
        self.rows.make_room(len(values))
        with in_words(), place.maps.staged(values) as staging:
            with place.database.writing(key) as session:
                named = (Explanation.key == key, *_running(worker))
                row = session.scalar(select(Explanation).where(*named).with_for_update())
                if row is None:
                    return False
                place.maps.place(row.owner, staging, key)
                row.state, row.fraction, row.finished = "done", 1.0, now
                row.seconds, row.result, row.size = seconds, dict(result), row.size + len(values)
                row.worker = row.lease = None
            return True

    def fail(self, key: str, worker: str, sentence: str) -> None:
        """Say why there is nothing, where the worker still has the row.

        Raises:
            StoreUnavailable.
        """
        self.rows.end(key, "failed", sentence, *_running(worker))

    def release(self, worker: str) -> None:
        """Give back what an earlier process of this worker's name had.

        Raises:
            StoreUnavailable.
        """
        self._give_back(*_running(worker))

    def sweep(self) -> None:
        """Give back what its worker has left, and cancel what nobody wants.

        Raises:
            StoreUnavailable.
        """
        now = self.rows.now()
        lost = (Explanation.state == "running", Explanation.lease < now)
        unwanted = (IS_OPEN, Explanation.wanted_until <= now)
        with self.rows.place.database.reading() as session:
            keys = session.scalars(select(Explanation.key).where(*unwanted)).all()
        for key in keys:
            self.rows.end(key, "cancelled", UNWANTED, *unwanted)
        self._give_back(*lost)

    def fail_waiting(self, sentence: str) -> None:
        """Say to all that wait why nobody will come.

        Raises:
            StoreUnavailable.
        """
        with self.rows.place.database.reading() as session:
            keys = session.scalars(select(Explanation.key).where(IS_OPEN)).all()
        for key in keys:
            self.rows.end(key, "failed", sentence, IS_OPEN)

    def waiting(self, lane: str) -> bool:
        """Whether one of a lane waits for a worker.

        Raises:
            StoreUnavailable.
        """
        waits = (Explanation.state == "queued", Explanation.lane == lane)
        with self.rows.place.database.reading() as session:
            return session.scalar(select(Explanation.id).where(*waits).limit(1)) is not None

    def _give_back(self, *meant: ColumnElement[bool]) -> None:
        """To the queue, or no more where it was begun too often."""
        with self.rows.place.database.reading() as session:
            found = session.execute(select(Explanation.key, Explanation.tries).where(*meant)).all()
        for key, tries in found:
            if tries >= TRIES:
                self.rows.end(key, "failed", WORKER_DIED, *meant)
            else:
                self.rows.change(key, *meant, state="queued", worker=None, lease=None, fraction=0.0)


def _running(worker: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Explanation.state == "running", Explanation.worker == worker
