"""What a server without Redis has of its own: the private folder, and the supervisor over it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from Dashboard.config import Config
from Dashboard.explain.jobs.room import BoundedStore
from Dashboard.explain.jobs.spool import SUPERVISOR_LOCK, Spool
from Dashboard.store.private_folder import parent_folder, remove_tree, take_lock

ROOT = Path(__file__).resolve().parents[3]
CLOSING_SECONDS = 5.0
SWEEP_SECONDS = 15.0


class LocalWorkerManager:
    """The folder and the supervisor of one server; for all its processes, forked or not."""

    def __init__(self, config: Config, explainer: str) -> None:
        self.config, self.explainer = config, explainer
        self._spool: Spool | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._sweeping: int | None = None

    @property
    def opened(self) -> bool:
        """Whether there is a folder yet."""
        return self._spool is not None

    def open(self) -> None:
        """Make the folder, where it is not there; OSError where it cannot be made."""
        with self._lock:
            self._opened()

    @property
    def folder(self) -> Path:
        """The folder, made where it is not there; OSError as `open`."""
        with self._lock:
            return self._opened().folder

    @property
    def store(self) -> BoundedStore:
        """The store in the folder; OSError as `open`."""
        with self._lock:
            return self._opened().store

    def keep_swept(self) -> None:
        """Delete what has expired, from a thread of this process, also while no supervisor runs.

        Pictures come before the first explanation starts one.
        """
        with self._lock:
            if self._spool is not None and self._sweeping != os.getpid():
                self._sweeping = os.getpid()
                threading.Thread(target=self._sweep, args=[self._spool], daemon=True).start()

    def _sweep(self, spool: Spool) -> None:
        while self._spool is spool:
            spool.store.sweep()
            time.sleep(SWEEP_SECONDS)

    def start(self) -> None:
        """See to it that the supervisor runs; it is a new program, never a fork of this one.

        One that is just being killed may still count as running: who waits for a job calls
        `restart` now and then.
        """
        with self._lock:
            self._start(self._opened().folder)

    def restart(self) -> None:
        """As `start`, where there is a folder; costs next to nothing where it runs."""
        with self._lock:
            if self._spool is not None:
                self._start(self._spool.folder)

    def _start(self, folder: Path) -> None:
        if self._supervisor is not None and self._supervisor.poll() is None:
            return
        lock = take_lock(folder / SUPERVISOR_LOCK)
        if lock is None:
            return
        os.close(lock)
        command = [sys.executable, "-m", "Dashboard.explain.jobs.supervisor", str(folder)]
        command += ["--explainer", self.explainer]
        if self.config.explain == "ready":
            command += ["--load", self.config.model]
        self._supervisor = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        """End worker and supervisor, and delete the folder."""
        with self._lock:
            spool, self._spool = self._spool, None
            if spool is not None:
                spool.close()
                self._end_supervisor(spool.folder)
                remove_tree(spool.folder)

    def _opened(self) -> Spool:
        if self._spool is None:
            self._spool = Spool(parent_folder(self.config.data_dir))
        return self._spool

    def _end_supervisor(self, folder: Path) -> None:
        """Wait until the supervisor is gone; it notices by itself, the signal only hurries it."""
        path = folder / SUPERVISOR_LOCK
        end = time.monotonic() + CLOSING_SECONDS
        while path.exists() and time.monotonic() < end:
            lock = take_lock(path)
            if lock is not None:
                os.close(lock)
                break
            number = path.read_text() if path.exists() else ""
            if number:
                try:
                    os.kill(int(number), signal.SIGTERM)
                except ProcessLookupError:
                    break
            time.sleep(0.05)
        if self._supervisor is not None:
            self._supervisor.wait(CLOSING_SECONDS)
            self._supervisor = None
