"""The store's place while a server runs: opened once, tidied up now and then, closed."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import ColumnElement, select

from Dashboard.config import Config
from Dashboard.store.database import in_words
from Dashboard.store.deletion import delete_items, delete_orphans
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.explanation_rows import ExplanationRows
from Dashboard.store.explanation_work import ExplanationWork
from Dashboard.store.place import Place
from Dashboard.store.schema import Item

TIDY_SECONDS = 60.0
# How long what was taken out of the lists can come back.
WAY_BACK = timedelta(seconds=30)
# How often the folders are looked through for files that no row names.
FILES_EVERY = 60

logger = logging.getLogger(__name__)


class Upkeep:
    """What is done for all owners; `Dashboard.store.store.Store` is what each may ask for.

    now: the time.
    """

    def __init__(
        self, config: Config, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.config = config
        self.retention = config.retention_in_force
        self.now = now
        self.explanations = ExplanationRows(lambda: self.place, lambda: self.now())
        self._place: Place | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Open the store and tidy it up; before the fork, so that the processes share it.

        Raises:
            StoreUnavailable, StoreFull.
        """
        self.tidy()
        delete_orphans(self.place)
        self.place.database.close()  # a connection must not pass to another process

    def close(self) -> None:
        """Close the store; what is not durable is deleted."""
        with self._lock:
            if self._place is not None:
                self._place.close()
                self._place = None

    @property
    def place(self) -> Place:
        """Where everything lies, made and brought up to date where it is not yet.

        Raises:
            StoreUnavailable, StoreFull.
        """
        with self._lock:
            if self._place is None:
                with in_words():
                    place = Place(self.config)
                    try:
                        place.database.upgrade()
                    except BaseException:
                        place.close()
                        raise
                    self._place = place
            return self._place

    def tidy(self) -> None:
        """Delete what was taken out of the lists, and what is as old as `RETENTION` says.

        Raises:
            StoreUnavailable.
        """
        self.explanations.tidy()
        ExplanationWork(self.explanations).sweep()  # there may be no worker that does
        now = self.now()
        old = Item.removed <= now - WAY_BACK
        if self.retention is not None:
            old |= Item.created <= now - self.retention
        with self.place.database.reading() as session:
            owners = session.scalars(select(Item.owner).where(old).distinct()).all()
        for owner in owners:
            delete_items(self.place, owner, old)
        self.place.database.scrub()

    def start_tidying(self) -> None:
        """Tidy up from a thread, for as long as this process lives."""
        threading.Thread(target=self._tidy_for_ever, daemon=True).start()

    def _tidy_for_ever(self) -> None:
        for number in count(1):
            time.sleep(TIDY_SECONDS)
            try:
                self.tidy()
                if number % FILES_EVERY == 0:
                    delete_orphans(self.place)
            except (StoreUnavailable, StoreFull) as error:
                logger.warning("the store was not tidied up: %s", error)

    def in_force(self, *, removed: bool = False) -> list[ColumnElement[bool]]:
        """What has been kept for too long is gone, whether or not it has been deleted yet.

        removed: those that were taken out of the lists, not those that are in them.
        """
        there: list[ColumnElement[bool]] = [
            Item.removed.is_not(None) if removed else Item.removed.is_(None)
        ]
        if self.retention is not None:
            there.append(Item.created > self.now() - self.retention)
        return there
