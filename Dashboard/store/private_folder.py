"""Folders that only the server's user can read and that go with the server.

Whoever holds the lock on `SERVER_LOCK` is the server; it passes to forked workers and goes with the
last of them. What a server leaves behind that was killed, the next one deletes. Needs nothing but
Python.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SERVER_LOCK = "server"
IN_MEMORY = Path("/dev/shm")
# A folder without a lock is one that is just being made, unless it is as old as this.
UNFINISHED_SECONDS = 60


class PrivateFolder:
    """A folder of this server, readable by its user alone.

    parent: where to make it.
    prefix: how its name begins; folders of the same prefix without a server are deleted.
    locks: those that processes of its server may hold, `SERVER_LOCK` first.

    Raises:
        OSError: it cannot be made there.
    """

    def __init__(self, parent: Path, prefix: str, locks: Sequence[str] = (SERVER_LOCK,)) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent, prefix, locks)
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))  # mode 0700
        self._lock = take_lock(self.folder / SERVER_LOCK)

    def close(self) -> None:
        """Give the lock up; the folder stays."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def parent_folder(data_dir: Path | None) -> Path:
    """DATA_DIR; without one a place in memory, where there is such, or for temporary files."""
    if data_dir is not None:
        return data_dir
    return IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def sweep(parent: Path, prefix: str, locks: Sequence[str]) -> None:
    """Delete what servers left behind that were killed: folders whose locks nobody holds."""
    for folder in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if (folder / locks[0]).exists():
                _remove_abandoned(folder, locks)
            elif folder.stat().st_mtime < time.time() - UNFINISHED_SECONDS:
                remove_tree(folder)


def _remove_abandoned(folder: Path, locks: Sequence[str]) -> None:
    with contextlib.ExitStack() as held:
        for name in locks:
            lock = take_lock(folder / name)
            if lock is None:
                return
            held.callback(os.close, lock)
        remove_tree(folder)


def take_lock(path: Path, *, wait: bool = False) -> int | None:
    """An open file that holds the lock of `path`; None where another process holds it.

    wait: wait for it instead.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def remove_tree(folder: Path) -> None:
    """Delete a folder and all in it, another process that does the same notwithstanding."""
    shutil.rmtree(folder, ignore_errors=True)
