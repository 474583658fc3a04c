"""The private folder of one server: its queue, and what its jobs hold for a while.

Whoever holds the lock on `server` is the server; it passes to forked workers and goes with the
last of them. Needs nothing but Python.
"""

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path

from Dashboard.explain.jobs.files import FileStore, remove_tree

PREFIX = "skin-lesion-jobs-"
SERVER_LOCK, SUPERVISOR_LOCK = "server", "supervisor"
VALUES = "values"
FOLDERS = (VALUES, "queue", "taken", "control", "tmp")
IN_MEMORY = Path("/dev/shm")
# A folder without a lock is one that is just being made, unless it is as old as this.
UNFINISHED_SECONDS = 60


class Spool:
    """A folder of this server, readable by its user alone.

    parent: where to make it.

    Raises:
        OSError: it cannot be made there.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
        for name in FOLDERS:
            (self.folder / name).mkdir(mode=0o700)
        self._lock = take_lock(self.folder / SERVER_LOCK)
        self.store = FileStore(self.folder / VALUES)

    def close(self) -> None:
        """Give the lock up: a supervisor ends its worker and deletes the folder then."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def parent_folder(data_dir: Path | None) -> Path:
    """DATA_DIR; without one a place in memory, where there is such, or for temporary files."""
    if data_dir is not None:
        return data_dir
    return IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def sweep(parent: Path) -> None:
    """Delete what servers left behind that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if (folder / SERVER_LOCK).exists():
                lock = take_lock(folder / SERVER_LOCK)
                if lock is not None:
                    supervised = take_lock(folder / SUPERVISOR_LOCK)
                    if supervised is not None:  # else the supervisor is about to do it
                        remove_tree(folder)
                        os.close(supervised)
                    os.close(lock)
            elif folder.stat().st_mtime < time.time() - UNFINISHED_SECONDS:
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
