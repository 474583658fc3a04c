"""`python -m Dashboard.explain.jobs.supervisor FOLDER`: keeps the one worker of a server.

It replaces a worker that dies, and ends with the server: then worker and folder go. What the worker
was doing is in the store's rows, which the next one takes up. Needs nothing but Python, so it is
small and does not fail.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from Dashboard.store.private_folder import SERVER_LOCK, remove_tree, take_lock

ROOT = Path(__file__).resolve().parents[3]
SUPERVISOR_LOCK = "supervisor"
# The worker makes the one when it is up; the other is there while it does not come up.
UP_FILE, BROKEN_FILE = "up", "broken"
TICK_SECONDS = 0.2
# So many workers in a row that did not come up, and it is said.
ATTEMPTS = 3
PAUSE_SECONDS = 30.0
LOCK_ATTEMPTS = 20


class Supervisor:
    """Keeps a worker over `folder` until the server is gone.

    options: of the worker's command.
    """

    def __init__(self, folder: Path, options: list[str]) -> None:
        self.folder, self.options = folder, options
        self.end = threading.Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self.failures = 0

    def run(self) -> None:
        """Until the server is gone or this is told to end."""
        threading.Thread(target=self._wait_for_the_server, daemon=True).start()
        resume = 0.0
        try:
            while not self.end.wait(TICK_SECONDS):
                now = time.monotonic()
                if self.worker is not None and self.worker.poll() is not None:
                    self.worker = None
                    resume = now + self._pause()
                if self.worker is None and now >= resume:
                    self._start()
        finally:
            if self.worker is not None:
                self.worker.kill()
                self.worker.wait()
            remove_tree(self.folder)

    def _wait_for_the_server(self) -> None:
        take_lock(self.folder / SERVER_LOCK, wait=True)
        self.end.set()

    def _start(self) -> None:
        for name in (UP_FILE, BROKEN_FILE):
            (self.folder / name).unlink(missing_ok=True)
        command = [sys.executable, "-m", "Dashboard.explain.jobs.worker", str(self.folder)]
        self.worker = subprocess.Popen(
            [*command, "--parent", str(os.getpid()), *self.options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )

    def _pause(self) -> float:
        """Seconds after which to start another worker."""
        self.failures = 0 if (self.folder / UP_FILE).exists() else self.failures + 1
        if self.failures < ATTEMPTS:
            return 0.0
        (self.folder / BROKEN_FILE).touch()
        return PAUSE_SECONDS


def main(arguments: list[str]) -> None:
    """Supervise, unless another process does already."""
    parser = argparse.ArgumentParser(prog="python -m Dashboard.explain.jobs.supervisor")
    parser.add_argument("folder", type=Path)
    options, rest = parser.parse_known_args(arguments)
    for _ in range(LOCK_ATTEMPTS):  # a server that looks whether there is one holds it shortly
        try:
            lock = take_lock(options.folder / SUPERVISOR_LOCK)
        except FileNotFoundError:  # the server is gone already, and its folder
            return
        if lock is not None:
            break
        time.sleep(0.05)
    else:
        return
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    supervisor = Supervisor(options.folder, rest)

    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.end.set()

    signal.signal(signal.SIGTERM, stop)
    supervisor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
