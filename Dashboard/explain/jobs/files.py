"""Keys and values as files of one private folder, shared by the processes of one machine.

A file's time of modification is set to when it expires. Nothing here needs more than Python.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path


class FileStore:
    """A store in `folder`, which must exist; values are written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value` under `key` for `seconds`; OSError where there is no room."""
        staging = self.folder / f".{key}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(
                os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as f:
                f.write(value)
            end = time.time() + seconds
            os.utime(staging, (end, end))
            staging.replace(self.folder / key)
        except BaseException:
            staging.unlink(missing_ok=True)
            raise

    def get(self, key: str) -> bytes | None:
        """The value of `key`; None where there is none, or none any more."""
        path = self.folder / key
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_mtime < time.time():
                    return None
                return file.read()
        except OSError:
            return None

    def remove(self, *keys: str) -> None:
        """Forget keys, whether they are there or not."""
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)

    def keys(self, start: str) -> list[str]:
        """The keys that begin with `start` and have not expired."""
        return [
            name for name, end, _ in self.entries() if name.startswith(start) and end >= time.time()
        ]

    def sweep(self) -> None:
        """Delete what has expired, what a broken write left behind included."""
        now = time.time()
        for name, end, _ in self.entries():
            if end < now - (60 if name.startswith(".") else 0):
                self.remove(name)

    def entries(self) -> Iterator[tuple[str, float, int]]:
        """Name, end and size of every file, of unfinished ones too."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found = entry.stat()
                    yield entry.name, found.st_mtime, found.st_size
