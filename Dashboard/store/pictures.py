"""Files by their names, pictures by that of their content, in a folder for each owner; written
whole."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from Dashboard.store.private_folder import take_lock

STAGED = ".new-"


class PictureFiles:
    """The files below `folder`, which is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def staged(self, data: bytes) -> Iterator[Path]:
        """Yield `data` as a file beside the folders; it is gone at the end unless it was placed.

        Raises:
            OSError: there is no room.
        """
        staging = self.folder / f"{STAGED}{secrets.token_hex(8)}"
        handle = take_lock(staging)  # held until the end: it says that the writer lives
        if handle is None:
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
                yield staging
        finally:
            staging.unlink(missing_ok=True)

    def place(self, owner: str, staging: Path, sha256: str) -> None:
        """Put a staged file in its place, for good; within the owner's lock, as `remove`."""
        path = self.path(owner, sha256)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        staging.replace(path)
        for folder in (path.parent, self.folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def path(self, owner: str, sha256: str) -> Path:
        """Where a picture lies."""
        return self.folder / folder_of(owner) / sha256

    def remove(self, owner: str, sha256: str) -> None:
        """Delete a picture, whether it is there or not."""
        self.path(owner, sha256).unlink(missing_ok=True)

    def folders(self) -> Iterator[Path]:
        """The folder of each owner; deletes files on the way whose writers were killed."""
        for entry in self.folder.iterdir():
            if entry.is_dir():
                yield entry
                continue
            lock = take_lock(entry)
            if lock is not None:
                entry.unlink(missing_ok=True)
                os.close(lock)


def folder_of(owner: str) -> str:
    """The name of an owner's folder; nobody can tell the owner from it."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]
