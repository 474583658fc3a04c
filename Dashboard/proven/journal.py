"""What `python -m Dashboard index` has done of a data set, so that an interrupted one goes on.

A small database beside the index to be, which goes once that is written; each picture is in it as
soon as it is done, whatever happens to the process then. A picture counts as done while its file
has the size and the time that it had, and the model is the same.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Made = tuple[NDArray[np.float16], bytes]
Key = tuple[str, int, int]


class Journal:
    """Vectors, and small pictures where they are wanted, of the pictures that are done.

    path: of the database.
    about: what all of it is made by; done by something else, it counts for nothing.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self._about = path, repr(sorted(about.items()))
        self._file: sqlite3.Connection | None = None
        self._done: dict[Key, Made] = {}
        if path.exists():
            try:
                self._done = self._read()
            except sqlite3.DatabaseError:  # no such database, or half of one
                self._close()
                forget(path)

    def _read(self) -> dict[Key, Made]:
        return {
            (path, size, time): (np.frombuffer(vector, np.float16), small)
            for path, size, time, vector, small in self._open().execute("SELECT * FROM done")
        }

    def _open(self) -> sqlite3.Connection:
        """The database, empty where it is of something else."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = file = sqlite3.connect(self.path, isolation_level=None)
            # A kill of the process loses nothing; after a loss of power it may begin anew.
            file.execute("PRAGMA synchronous = OFF")
            file.execute("CREATE TABLE IF NOT EXISTS about (text TEXT)")
            if file.execute("SELECT text FROM about").fetchall() != [(self._about,)]:
                file.execute("DROP TABLE IF EXISTS done")
                file.execute("DELETE FROM about")
                file.execute("INSERT INTO about VALUES (?)", (self._about,))
            columns = "path TEXT, size INTEGER, time INTEGER, vector BLOB, small BLOB"
            key = "PRIMARY KEY (path, size, time)"
            file.execute(f"CREATE TABLE IF NOT EXISTS done ({columns}, {key})")
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def find(self, key: Key) -> Made | None:
        """What was made of a picture before; None: nothing."""
        return self._done.get(key)

    def note(self, key: Key, made: Made) -> None:
        """Write down what was made of a picture.

        Raises:
            OSError: there is no room for it.
        """
        vector, small = made
        values = (*key, vector.tobytes(), small)
        try:
            self._open().execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?)", values)
        except sqlite3.DatabaseError as error:
            raise OSError(None, str(error)) from None

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._close()


def forget(path: Path) -> None:
    """Delete a journal, and what SQLite keeps beside it."""
    for file in (path, path.with_name(f"{path.name}-journal")):
        file.unlink(missing_ok=True)


def key_of(folder: Path, path: str) -> Key:
    """Of a picture's file its path in the data set, size and time.

    Raises:
        OSError.
    """
    found = (folder / path).stat()
    return path, found.st_size, found.st_mtime_ns
