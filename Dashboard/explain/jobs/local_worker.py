"""What every server has of its own: the folder of its queue, and the supervisor over its worker."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from Dashboard.config import Config
from Dashboard.explain.jobs.supervisor import BROKEN_FILE, SUPERVISOR_LOCK
from Dashboard.store.private_folder import (
    SERVER_LOCK,
    PrivateFolder,
    parent_folder,
    remove_tree,
    take_lock,
)

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "skin-lesion-jobs-"
CLOSING_SECONDS = 5.0


class LocalWorkerManager:
    """The folder and the supervisor of one server; for all its processes, forked or not."""

    def __init__(self, config: Config, explainer: str) -> None:
        self.config, self.explainer = config, explainer
        self._private: PrivateFolder | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The folder, which holds messages without content; OSError where it cannot be made."""
        with self._lock:
            if self._private is None:
                parent = parent_folder(None)
                self._private = PrivateFolder(parent, PREFIX, (SERVER_LOCK, SUPERVISOR_LOCK))
            return self._private.folder

    @property
    def broken(self) -> bool:
        """Whether the worker does not come up."""
        private = self._private
        return private is not None and (private.folder / BROKEN_FILE).exists()

    def start(self, store: Path) -> None:
        """See to it that the supervisor runs; it is a new program, never a fork of this one.

        One that is just being killed may still count as running: who waits for a job calls this
        now and then, which costs next to nothing.

        store: the folder of the store.

        Raises:
            OSError.
        """
        folder = self.folder
        with self._lock:
            if self._supervisor is not None and self._supervisor.poll() is None:
                return
            lock = take_lock(folder / SUPERVISOR_LOCK)
            if lock is None:
                return
            os.close(lock)
            command = [sys.executable, "-m", "Dashboard.explain.jobs.supervisor", str(folder)]
            command += ["--store", str(store), "--explainer", self.explainer]
            if self.config.explain == "ready":
                command += ["--load", self.config.model]
            self._supervisor = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | self._settings(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _settings(self) -> dict[str, str]:
        """What the worker reads of the settings; an address may hold a password."""
        config = self.config
        return {
            "DATA_DIR": "" if config.data_dir is None else str(config.data_dir.absolute()),
            "DATABASE_URL": config.database_url or "",
            "REDIS_URL": config.redis_url or "",
            "STORE_MB": "" if config.store_mb is None else str(config.store_mb),
        }

    def close(self) -> None:
        """End worker and supervisor, and delete the folder."""
        with self._lock:
            private, self._private = self._private, None
            if private is not None:
                private.close()
                self._end_supervisor(private.folder)
                remove_tree(private.folder)

    def _end_supervisor(self, folder: Path) -> None:
        """Wait until the supervisor is gone; it notices by itself, the signal only hurries it."""
        path = folder / SUPERVISOR_LOCK
        end = time.monotonic() + CLOSING_SECONDS
        # The last that it does is to delete the folder: each look may be the first without it.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            while time.monotonic() < end:
                lock = take_lock(path)
                if lock is not None:
                    os.close(lock)
                    break
                number = path.read_text()
                if number:
                    os.kill(int(number), signal.SIGTERM)
                time.sleep(0.05)
        if self._supervisor is not None:
            try:
                self._supervisor.wait(CLOSING_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._supervisor.pid, signal.SIGKILL)  # with its worker
                self._supervisor.wait()
            self._supervisor = None
