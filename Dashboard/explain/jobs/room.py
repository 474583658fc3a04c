"""The bound of what the explanations of one machine hold, and what goes first. Plain Python."""

import shutil
from collections import Counter
from pathlib import Path

from Dashboard.explain.jobs import records
from Dashboard.explain.jobs.files import FileStore
from Dashboard.explain.jobs.records import Record
from Dashboard.explain.jobs.store import StoreError

MOST_BYTES = 256 * 2**20
# Of the place where the files lie: a container has 64 MB of shared memory.
PART = 0.75
# What is smaller is written whatever there is: records, and signs of life.
SMALL_BYTES = 64 * 1024
NO_ROOM = "the explanations have no room for more; try again in a minute"


class BoundedStore(FileStore):
    """Files of at most so many bytes: where there is no room, finished results go.

    Those of who holds the most go first, the oldest of them.
    """

    def __init__(self, folder: Path, most_bytes: int | None = None) -> None:
        super().__init__(folder)
        self._most_bytes = most_bytes

    @property
    def most_bytes(self) -> int:
        """How much there may be."""
        if self._most_bytes is None:
            self._most_bytes = min(MOST_BYTES, int(PART * shutil.disk_usage(self.folder).total))
        return self._most_bytes

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value` under `key` for `seconds`.

        Raises:
            StoreError: there is no room.
        """
        try:
            if len(value) > SMALL_BYTES and not self._make_room(len(value)):
                raise StoreError(NO_ROOM)
            try:
                super().put(key, value, seconds)
            except OSError:  # others have filled the place
                self._make_room(self.most_bytes)
                super().put(key, value, seconds)
        except OSError:
            raise StoreError(NO_ROOM) from None

    def _make_room(self, wanted: int) -> bool:
        """Whether there is room for so many bytes, once results have gone."""
        entries = list(self.entries())
        free = self.most_bytes - sum(size for _, _, size in entries)
        if free >= wanted:
            return True
        sizes: Counter[str] = Counter()
        ends: dict[str, float] = {}
        for start in (name("") for name in records.RESULTS):
            for name, end, size in entries:
                if name.startswith(start):
                    key = name.removeprefix(start)
                    sizes[key] += size
                    ends[key] = max(end, ends.get(key, 0.0))
        done = {key: record for key in sizes if (record := self._done(key)) is not None}
        shares: Counter[str] = Counter()
        for key, record in done.items():
            shares[record.by] += sizes[key]
        while free < wanted and done:
            most = max(shares[record.by] for record in done.values())
            key = min(
                (key for key, record in done.items() if shares[record.by] == most),
                key=lambda one: ends[one],
            )
            shares[done.pop(key).by] -= sizes[key]
            free += sizes[key]
            self.remove(*(name(key) for name in (records.record_key, *records.RESULTS)))
        return free >= wanted

    def _done(self, key: str) -> Record | None:
        """The record of a job whose results nobody is writing; what has none may go, too."""
        data = self.get(records.record_key(key))
        record = Record.load(data) if data else None
        return record if record is not None and record.state == "done" else None
