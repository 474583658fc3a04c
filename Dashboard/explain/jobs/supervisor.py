"""`python -m Dashboard.explain.jobs.supervisor FOLDER`: keeps the one worker of a server.

It replaces a worker that dies, says so in the record of the job that died with it, deletes what
has expired, and ends with the server: then worker and folder go. Needs nothing but Python, so it
is small and does not fail.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

from Dashboard.explain.jobs import KEEP_SECONDS, records
from Dashboard.explain.jobs.records import OPEN, Record, State
from Dashboard.explain.jobs.room import BoundedStore
from Dashboard.explain.jobs.spool import SUPERVISOR_LOCK, VALUES
from Dashboard.store.private_folder import SERVER_LOCK, remove_tree, take_lock

ROOT = Path(__file__).resolve().parents[3]
TICK_SECONDS = 0.2
SWEEP_SECONDS = 15.0
# A worker that lived for less did not start; so many of them in a row, and waiting jobs fail.
STARTED_SECONDS = 20.0
ATTEMPTS = 3
PAUSE_SECONDS = 30.0
LOCK_ATTEMPTS = 20


class Supervisor:
    """Keeps a worker over `folder` until the server is gone.

    load: checkpoint that the worker opens before the first job; None: when one asks for it.
    """

    def __init__(self, folder: Path, explainer: str, load: str | None) -> None:
        self.folder, self.explainer, self.load = folder, explainer, load
        self.store = BoundedStore(folder / VALUES)
        self.end = threading.Event()
        self.worker: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started = 0.0

    def run(self) -> None:
        """Until the server is gone or this is told to end."""
        threading.Thread(target=self._wait_for_the_server, daemon=True).start()
        self._fail(("running",), records.WORKER_DIED)  # of a supervisor that was killed
        swept = resume = 0.0
        try:
            while not self.end.wait(TICK_SECONDS):
                now = time.monotonic()
                if self.worker is not None and self.worker.poll() is not None:
                    resume = now + self._died(now)
                if self.worker is None and now >= resume:
                    self._start(now)
                if now - swept >= SWEEP_SECONDS:
                    self.store.sweep()
                    swept = now
        finally:
            if self.worker is not None:
                self.worker.kill()
                self.worker.wait()
            remove_tree(self.folder)

    def _wait_for_the_server(self) -> None:
        take_lock(self.folder / SERVER_LOCK, wait=True)
        self.end.set()

    def _start(self, now: float) -> None:
        temporary = str(self.folder / "tmp")
        command = [sys.executable, "-m", "Dashboard.explain.jobs.worker", str(self.folder)]
        command += ["--parent", str(os.getpid()), "--explainer", self.explainer]
        self.worker = subprocess.Popen(
            [*command, "--load", self.load] if self.load else command,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
        )
        self.started = now

    def _died(self, now: float) -> float:
        """Tell the jobs; return the seconds after which to start another worker."""
        self.worker = None
        interrupted = self._fail(("running",), records.WORKER_DIED)
        quick = now - self.started < STARTED_SECONDS and not interrupted
        signs = self.store.keys(records.WORKER_KEY)
        self.failures = self.failures + 1 if quick and not signs else 0
        self.store.remove(*signs)
        if self.failures < ATTEMPTS:
            return 0.0
        self._fail(OPEN, records.NOT_STARTED)
        self.store.put(records.BROKEN_KEY, b"1", PAUSE_SECONDS)
        return PAUSE_SECONDS

    def _fail(self, states: tuple[State, ...], sentence: str) -> int:
        count = 0
        for name in self.store.keys("job-"):
            key = name.removeprefix("job-")
            data = self.store.get(name)
            record = Record.load(data) if data else None
            if record and record.state in states:
                failed = replace(record, state="failed", error=sentence)
                self.store.put(name, failed.dump(), KEEP_SECONDS)
                self.store.remove(records.input_key(key), records.alive_key(key))
                count += 1
        return count


def main(arguments: list[str]) -> None:
    """Supervise, unless another process does already."""
    parser = argparse.ArgumentParser(prog="python -m Dashboard.explain.jobs.supervisor")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--explainer", required=True)
    parser.add_argument("--load")
    options = parser.parse_args(arguments)
    for _ in range(LOCK_ATTEMPTS):  # a server that looks whether there is one holds it shortly
        lock = take_lock(options.folder / SUPERVISOR_LOCK)
        if lock is not None:
            break
        time.sleep(0.05)
    else:
        return
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    supervisor = Supervisor(options.folder, options.explainer, options.load)

    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.end.set()

    signal.signal(signal.SIGTERM, stop)
    supervisor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
