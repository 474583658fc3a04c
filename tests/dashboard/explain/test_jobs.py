"""Explanations as jobs on one machine: the worker, its lanes, and what happens where it dies."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from Dashboard.config import Config
from Dashboard.explain.jobs import engine, local_worker
from Dashboard.explain.jobs.engine import NOT_STARTED, Jobs
from Dashboard.explain.jobs.errors import NotDone, Unavailable, UnknownJob
from Dashboard.explain.jobs.local_worker import LocalWorkerManager
from Dashboard.explain.jobs.order import Order
from Dashboard.explain.jobs.supervisor import SUPERVISOR_LOCK
from Dashboard.store.explanation_rows import UNWANTED
from Dashboard.store.private_folder import remove_tree, take_lock
from Dashboard.store.schema import Explanation
from Dashboard.store.store import Store
from tests.dashboard.conftest import EXPLAINER

LONG_SECONDS = 60
ORDER = Order("plain", "gradcam", "Low", None, "/weights", 10**7, 10**6)
ENDLESS = replace(ORDER, precision="High")
FAST, SLOW = 0.1, 60.0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def picture_file() -> bytes:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:, 0] = 200  # the double's map is 200 / 255 on the right, 0 on the left
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


def submit(jobs: Jobs, order: Order = ORDER, seconds: float = FAST, owner: str = "me") -> str:
    return jobs.submit(owner, order, "1", seconds, data=picture_file())


def wait(jobs: Jobs, key: str, owner: str = "me") -> Explanation:
    return jobs.wait(owner, key, LONG_SECONDS)


def processes(word: str, mark: Path | str) -> list[int]:
    """Processes of the jobs that have `word` and `mark` in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"Dashboard.explain.jobs.{word}" in command and str(mark) in command:
            found.append(int(path.parent.name))
    return found


def until(happened: Callable[[], object], seconds: float = LONG_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def begun(jobs: Jobs, key: str) -> Callable[[], bool]:
    return lambda: jobs.status("me", key).fraction > 0


def folder_of(jobs: Jobs) -> Path:
    return jobs.store.place.folder


def test_a_picture_is_explained(jobs: Jobs) -> None:
    key = submit(jobs)
    row = wait(jobs, key)
    assert (row.state, row.fraction, row.error) == ("done", 1.0, None)
    assert row.result == {
        "target": "nv", "probability": 0.5, "seconds": 0.05, "width": 60, "height": 40
    }  # fmt: skip
    values = jobs.map(row)
    assert (values.shape, values.dtype) == ((40, 60), np.float32)
    assert values[0, 59] == pytest.approx(200 / 255)
    assert jobs.picture(row) == picture_file()
    assert submit(jobs) == key
    others = [
        submit(jobs, replace(ORDER, target="mel")),
        jobs.submit("me", ORDER, "2", FAST, data=picture_file()),
        jobs.submit("me", ORDER, "1", FAST, data=picture_file() + b"\0"),
        submit(jobs, owner="you"),
    ]
    assert len({key, *others}) == 5
    jobs.cancel("me", key)
    for ask in (jobs.status, jobs.done):
        with pytest.raises(UnknownJob):
            ask("me", key)


def test_a_fast_one_never_waits_behind_slow_ones(jobs: Jobs) -> None:
    slow = [submit(jobs, replace(ENDLESS, target=name), SLOW) for name in ("mel", "nv")]
    until(begun(jobs, slow[0]))
    before = jobs.status("me", slow[0]).fraction
    for target in ("bcc", "df", "vasc"):
        start = time.monotonic()
        assert wait(jobs, submit(jobs, replace(ORDER, target=target))).state == "done"
        assert time.monotonic() - start < 5
    until(lambda: jobs.status("me", slow[0]).fraction > before)  # and that one goes on
    assert jobs.status("me", slow[1]).state == "queued"
    with pytest.raises(NotDone, match="not done yet, it is queued"):
        jobs.done("me", slow[1])
    for key in slow:
        assert jobs.cancel("me", key).state == "cancelled"
    assert wait(jobs, submit(jobs, replace(ORDER, target="akiec"), SLOW)).state == "done"
    under_load = jobs.submit("me", ORDER, "slow today", 9.0, usual=FAST, data=picture_file())
    assert jobs.status("me", under_load).lane == "fast"
    mistaken = submit(jobs, replace(ENDLESS, target="akiec"), FAST)
    until(begun(jobs, mistaken))
    assert wait(jobs, submit(jobs, replace(ORDER, target="malignant"))).state == "done"
    assert jobs.cancel("me", mistaken).state == "cancelled"


def test_what_nobody_asks_for_any_more_ends_within_ten_seconds(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.WATCHED_SECONDS < 9
    key = jobs.submit("me", ENDLESS, "left", SLOW, data=picture_file(), patience=2.0)
    until(begun(jobs, key))
    time.sleep(3.5)
    row = jobs.status("me", key)
    assert (row.state, row.error) == ("cancelled", UNWANTED)
    assert wait(jobs, submit(jobs, replace(ORDER, target="akiec"), SLOW)).state == "done"


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "x" * 22, "job-x", "a/b"])
def test_an_unknown_key(jobs: Jobs, key: str) -> None:
    with pytest.raises(UnknownJob):
        jobs.status("me", key)


def test_what_goes_wrong_in_the_worker_says_nothing_of_the_picture(jobs: Jobs) -> None:
    row = wait(jobs, submit(jobs, replace(ORDER, method="saliency", target="df")))
    assert row.state == "failed"
    assert row.error == "the explanation failed in the worker (RuntimeError)"


def test_a_killed_worker_loses_nothing(jobs: Jobs) -> None:
    """Nor does one that goes with its supervisor, for which the next look starts another."""
    order = replace(ORDER, precision="Medium", target="bkl")
    for word in ("worker", "supervisor"):
        key = jobs.submit("me", order, word, SLOW, data=picture_file())
        until(lambda key=key: jobs.status("me", key).state == "running")  # type: ignore[misc]
        (killed,) = processes(word, folder_of(jobs))
        os.kill(killed, signal.SIGKILL)
        row = wait(jobs, key)
        assert (row.state, row.tries) == ("done", 2)
        (replaced,) = processes("worker", folder_of(jobs))
        assert replaced != killed
        assert len(processes("supervisor", folder_of(jobs))) == 1


def test_nothing_is_left_of_a_killed_server(repository: Path, tmp_path: Path) -> None:
    """Without DATA_DIR: its processes end by themselves, its files with the next start."""
    program = (
        "import time\n"
        "from Dashboard.config import Config\n"
        "from Dashboard.explain.jobs import local_worker\n"
        "from Dashboard.explain.jobs.engine import Jobs\n"
        "from Dashboard.store import place\n"
        "from tests.dashboard.explain.test_jobs import ENDLESS, EXPLAINER, Path, submit\n"
        f"local_worker.parent_folder = place.parent_folder = lambda _: Path({str(tmp_path)!r})\n"
        "jobs = Jobs(Config(), explainer=EXPLAINER)\n"
        "submit(jobs, ENDLESS)\n"
        "time.sleep(600)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], cwd=repository)
    until(lambda: processes("worker", tmp_path))
    assert list(tmp_path.glob("skin-lesion-store-*/maps/*/*.picture"))
    server.kill()
    server.wait()
    until(lambda: not processes("", tmp_path), 10)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("Dashboard.store.place", "Dashboard.explain.jobs.local_worker"):
            patch.setattr(f"{module}.parent_folder", lambda _: tmp_path)
        jobs = Jobs(Config(), explainer=EXPLAINER)
        jobs.store.prepare()
        jobs.prepare()
        assert not list(tmp_path.rglob("*.picture"))
        jobs.close()
        jobs.store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_does_not_start_is_said(tmp_path: Path) -> None:
    jobs = Jobs(Config(data_dir=tmp_path, explain="ready"), explainer="absent.module:explain")
    try:
        row = wait(jobs, submit(jobs))
        assert (row.state, row.error) == ("failed", NOT_STARTED)
        with pytest.raises(Unavailable, match=re.escape(NOT_STARTED)):
            submit(jobs)
    finally:
        jobs.close()
        jobs.store.close()


def test_switched_off_and_nothing_asked(tmp_path: Path) -> None:
    off = Jobs(Config(data_dir=tmp_path, explain="off"), explainer=EXPLAINER)
    off.prepare()
    with pytest.raises(Unavailable, match="switched off"):
        submit(off)
    off.close()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_to_be_ready_starts_with_the_server(tmp_path: Path) -> None:
    jobs = Jobs(Config(data_dir=tmp_path, explain="ready"), explainer=EXPLAINER)
    jobs.prepare()
    until(lambda: processes("worker", tmp_path))
    jobs.close()
    jobs.store.close()
    assert processes("", tmp_path) == []


@pytest.mark.parametrize("looks", [1, 2])
def test_a_supervisor_may_go_at_any_moment_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    manager = LocalWorkerManager(Config(data_dir=tmp_path), EXPLAINER)
    folder = manager.folder
    (folder / SUPERVISOR_LOCK).touch()
    left = iter(range(looks)[::-1])

    def the_last_look_is_late(path: Path) -> int | None:
        if next(left) == 0:
            remove_tree(folder)
            return take_lock(path)
        return None

    monkeypatch.setattr(local_worker, "take_lock", the_last_look_is_late)
    manager.close()
    assert not folder.exists()


def test_a_supervisor_that_does_not_end_is_ended_with_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(Config(data_dir=tmp_path, explain="ready"), explainer=EXPLAINER)
    jobs.prepare()
    until(lambda: processes("worker", tmp_path))
    monkeypatch.setattr(local_worker, "CLOSING_SECONDS", 0.2)
    (supervisor,) = processes("supervisor", tmp_path)
    os.kill(supervisor, signal.SIGSTOP)
    jobs.close()
    jobs.store.close()
    until(lambda: not processes("", tmp_path))


def test_a_supervisor_whose_server_is_gone_ends_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "Dashboard.explain.jobs.supervisor", str(tmp_path / "gone")]
    done = subprocess.run(command, capture_output=True, cwd=local_worker.ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_lost_message_delays_a_job_by_a_second(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(engine, "wake_queues", lost)
    other = Jobs(jobs.config, Store(jobs.config), explainer=EXPLAINER)  # a second server
    key = submit(other, replace(ORDER, target="nv"))
    assert wait(jobs, key).state == "done"
    other.close()
    other.store.close()


def test_the_folder_of_the_queue_is_in_memory_and_its_users_alone(tmp_path: Path) -> None:
    manager = LocalWorkerManager(Config(data_dir=tmp_path), EXPLAINER)
    folder = manager.folder
    assert folder.name.startswith(local_worker.PREFIX)
    assert tmp_path not in folder.parents
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    manager.close()
    assert not folder.exists()
