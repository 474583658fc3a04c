"""Explanations as jobs on one machine: the worker, what it keeps, and what happens if it dies."""

import hashlib
import io
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
from Dashboard.explain.jobs import KEEP_SECONDS, records, spool
from Dashboard.explain.jobs.engine import Jobs, Unavailable, UnknownJob
from Dashboard.explain.jobs.files import FileStore
from Dashboard.explain.jobs.forgetting import forget
from Dashboard.explain.jobs.records import ANYBODY, Order, Record
from Dashboard.explain.jobs.shares import MOST_OPEN
from Dashboard.explain.jobs.spool import Spool
from tests.dashboard.conftest import EXPLAINER

LONG_SECONDS = 60
ORDER = Order("plain", "gradcam", "Low", None, "/weights", 10**7, 10**6)
ENDLESS = replace(ORDER, precision="High")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


@pytest.fixture(scope="module")
def picture() -> bytes:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:, 0] = 200  # the double's map is 200 / 255 on the right, 0 on the left
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert done
    return data.tobytes()


def processes(word: str, folder: Path) -> list[int]:
    """Processes of the jobs in a folder that have `word` in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"Dashboard.explain.jobs.{word}" in command and str(folder) in command:
            found.append(int(path.parent.name))
    return found


def until(happened: Callable[[], object], seconds: float = LONG_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def folder_of(jobs: Jobs) -> Path:
    assert jobs.config.data_dir is not None
    (folder,) = jobs.config.data_dir.glob(f"{spool.PREFIX}*")
    return folder


def test_a_picture_is_explained(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, ORDER)
    record = jobs.wait(key, LONG_SECONDS)
    assert (record.state, record.fraction, record.error) == ("done", 1.0, None)
    assert record.result == {
        "target": "nv", "probability": 0.5, "seconds": 0.05, "width": 60, "height": 40
    }  # fmt: skip
    array = np.load(io.BytesIO(jobs.array(key)))
    assert (array.shape, array.dtype) == ((40, 60), np.float32)
    assert array[0, 59] == pytest.approx(200 / 255)
    view = jobs.view(key)
    assert (view["width"], view["height"]) == (60, 40)
    assert view["limit"] == pytest.approx(200 / 255)
    drawn = cv2.imdecode(np.frombuffer(jobs.picture(key), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (40, 60, 3)
    assert (drawn[:, :30] == 0).all()  # where the map says nothing, the picture is as it was
    outlined = cv2.imdecode(np.frombuffer(jobs.outlines(key), np.uint8), cv2.IMREAD_COLOR)
    changed = (outlined != cv2.imdecode(np.frombuffer(picture, np.uint8), 1)).any(axis=2)
    assert not changed[:, :15].any()
    _, green, red = outlined[changed].astype(int).T
    assert (green > red).any()  # what speaks for the class is surrounded by green
    assert not jobs.store().keys(records.input_key(key))  # a picture goes when its job is done


def test_an_equal_request_finds_the_same_job(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, ORDER)
    assert jobs.submit(picture, ORDER) == key
    others = [
        jobs.submit(picture, replace(ORDER, target="mel")),
        jobs.submit(picture, ORDER, version="2"),
        jobs.submit(picture + b"\0", ORDER),
    ]
    assert len({key, *others}) == 4
    listed = jobs.of_picture(picture)
    assert {key, *others[:2]} <= set(listed)
    assert others[2] not in listed
    for other in others:
        assert jobs.wait(other, LONG_SECONDS).state == "done"


def test_cancelling_a_running_and_a_waiting_one(jobs: Jobs, picture: bytes) -> None:
    running = jobs.submit(picture, ENDLESS)
    waiting = jobs.submit(picture, replace(ENDLESS, target="mel"))
    until(lambda: jobs.status(running).fraction > 0)
    assert jobs.status(waiting).state == "queued"
    assert jobs.cancel(waiting).state == "cancelled"
    assert jobs.cancel(running).state == "cancelled"
    assert jobs.status(running).state == "cancelled"  # before the worker has noticed
    assert jobs.status(running).error == records.CANCELLED
    until(lambda: not jobs.store().keys(records.cancel_key(running)))
    assert jobs.status(running).state == jobs.status(waiting).state == "cancelled"
    assert jobs.submit(picture, ENDLESS) != running
    jobs.cancel(jobs.submit(picture, ENDLESS))


def test_a_cancelled_one_never_seems_to_run_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker writes how it ended, and removes the mark, between the server's two looks."""
    key, store, running = "c" * 22, jobs.store(), Record(ORDER, "running")
    names = (records.record_key(key), records.cancel_key(key), records.alive_key(key))
    for name, value in zip(names, (running.dump(), b"1", b"1"), strict=True):
        store.put(name, value, 60)
    get = FileStore.get

    def end_after(store: FileStore, name: str) -> bytes | None:
        found = get(store, name)
        store.put(names[0], replace(running, state="cancelled").dump(), 60)
        store.remove(names[1])
        return found

    monkeypatch.setattr(FileStore, "get", end_after)
    assert jobs.status(key).state == "cancelled"
    store.remove(*names)


def test_results_that_are_deleted_are_gone(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, replace(ORDER, target="bkl"))
    jobs.wait(key, LONG_SECONDS)
    jobs.cancel(key)
    for ask in (jobs.status, jobs.array, jobs.picture, jobs.view):
        with pytest.raises(UnknownJob):
            ask(key)
    assert jobs.submit(picture, replace(ORDER, target="bkl")) != key


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "x" * 22, "job-x", "a/b"])
def test_an_unknown_key(jobs: Jobs, key: str) -> None:
    with pytest.raises(UnknownJob):
        jobs.status(key)


def test_what_goes_wrong_in_the_worker_says_nothing_of_the_picture(
    jobs: Jobs, picture: bytes
) -> None:
    key = jobs.submit(picture, replace(ORDER, method="saliency", target="df"))
    record = jobs.wait(key, LONG_SECONDS)
    assert record.state == "failed"
    assert record.error == "the explanation failed in the worker (RuntimeError)"


def test_a_killed_worker_is_replaced_and_its_job_reported(jobs: Jobs, picture: bytes) -> None:
    doomed = jobs.submit(picture, replace(ENDLESS, target="vasc"))
    after = jobs.submit(picture, replace(ORDER, target="vasc"))
    until(lambda: jobs.status(doomed).fraction > 0)
    (worker,) = processes("worker", folder_of(jobs))
    os.kill(worker, signal.SIGKILL)
    record = jobs.wait(doomed, 10)
    assert (record.state, record.error) == ("failed", records.WORKER_DIED)
    assert jobs.wait(after, LONG_SECONDS).state == "done"  # the one that waited is not lost
    (replaced,) = processes("worker", folder_of(jobs))
    assert replaced != worker


def test_a_killed_supervisor_takes_its_worker_along_and_is_replaced(
    jobs: Jobs, picture: bytes
) -> None:
    key = jobs.submit(picture, replace(ENDLESS, target="akiec"))
    waiting = jobs.submit(picture, replace(ORDER, target="akiec"))
    until(lambda: jobs.status(key).fraction > 0)
    folder = folder_of(jobs)
    (supervisor,), (worker,) = processes("supervisor", folder), processes("worker", folder)
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: worker not in processes("worker", folder), 10)
    assert jobs.wait(waiting, LONG_SECONDS).state == "done"  # no other need be handed in first
    assert jobs.status(key).error == records.WORKER_DIED
    assert len(processes("supervisor", folder)) == len(processes("worker", folder)) == 1


def test_only_its_user_can_look_into_the_folder(jobs: Jobs) -> None:
    folder = folder_of(jobs)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name == "values"]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_closing_leaves_no_process_and_no_file(tmp_path: Path, picture: bytes) -> None:
    jobs = Jobs(Config(data_dir=tmp_path), explainer=EXPLAINER)
    key = jobs.submit(picture, ENDLESS)
    until(lambda: jobs.status(key).fraction > 0)
    folder = folder_of(jobs)
    jobs.close()
    assert processes("", folder) == []
    assert list(tmp_path.iterdir()) == []


def test_a_killed_server_leaves_no_process_and_no_file(
    repository: Path, tmp_path: Path, picture: bytes
) -> None:
    (tmp_path / "picture").write_bytes(picture)
    data = tmp_path / "data"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from Dashboard.config import Config\n"
        "from Dashboard.explain.jobs.engine import Jobs\n"
        "from tests.dashboard.explain.test_jobs import ENDLESS\n"
        f"jobs = Jobs(Config(data_dir=Path({str(data)!r})), explainer={EXPLAINER!r})\n"
        f"jobs.submit(Path({str(tmp_path / 'picture')!r}).read_bytes(), ENDLESS)\n"
        "time.sleep(600)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], cwd=repository)
    until(lambda: processes("worker", data))
    server.kill()
    server.wait()
    until(lambda: not processes("", data), 10)
    until(lambda: list(data.iterdir()) == [], 10)


def test_what_a_killed_machine_left_is_swept_at_the_next_start(tmp_path: Path) -> None:
    left = Spool(tmp_path)
    left.store.put("input-x", b"picture", KEEP_SECONDS)
    left.close()  # the lock goes with the process
    living = Spool(tmp_path)
    assert list(tmp_path.iterdir()) == [living.folder]
    another = Spool(tmp_path)
    assert living.folder.is_dir()
    living.close()
    another.close()


def test_values_expire_and_are_deleted(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put("short", b"1", 0.05)
    store.put("long", b"2", 60)
    (tmp_path / ".half.written").write_bytes(b"3")
    os.utime(tmp_path / ".half.written", (0, 0))
    time.sleep(0.1)
    assert (store.get("short"), store.get("long")) == (None, b"2")
    assert store.keys("") == ["long"]
    store.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["long"]


def test_everything_of_a_job_ends_within_fifteen_minutes(jobs: Jobs, picture: bytes) -> None:
    assert KEEP_SECONDS <= 15 * 60
    jobs.wait(jobs.submit(picture, ORDER), LONG_SECONDS)
    values = folder_of(jobs) / "values"
    ends = [path.stat().st_mtime - time.time() for path in values.iterdir()]
    assert len(ends) >= 5
    assert max(ends) <= KEEP_SECONDS


def test_too_much_to_do_is_refused(tmp_path: Path, picture: bytes) -> None:
    jobs = Jobs(Config(data_dir=tmp_path), explainer=EXPLAINER)
    jobs.prepare()
    for number in range(MOST_OPEN):
        jobs.store().put(records.staged_key(str(number), f"{number % 3}"), b"", 60)
    with pytest.raises(Unavailable, match="too many explanations are waiting"):
        jobs.submit(picture, ORDER)
    jobs.close()


def test_a_worker_that_does_not_start_is_said(tmp_path: Path, picture: bytes) -> None:
    jobs = Jobs(Config(data_dir=tmp_path, explain="ready"), explainer="absent.module:explain")
    try:
        key = jobs.submit(picture, ORDER)
        record = jobs.wait(key, LONG_SECONDS)
        assert (record.state, record.error) == ("failed", records.NOT_STARTED)
        with pytest.raises(Unavailable, match=re.escape(records.NOT_STARTED)):
            jobs.submit(picture, ORDER)
    finally:
        jobs.close()


def test_switched_off_and_nothing_asked(tmp_path: Path, picture: bytes) -> None:
    off = Jobs(Config(data_dir=tmp_path, explain="off"), explainer=EXPLAINER)
    off.prepare()
    with pytest.raises(Unavailable, match="switched off"):
        off.submit(picture, ORDER)
    assert off.of_picture(picture) == []
    off.close()
    assert list(tmp_path.iterdir()) == []


def test_a_record_survives_its_json() -> None:
    record = Record(ORDER, "failed", 0.5, 1.5, "why", {"target": "nv"})
    assert Record.load(record.dump()) == record


def test_a_worker_that_is_to_be_ready_starts_with_the_server(tmp_path: Path) -> None:
    jobs = Jobs(Config(data_dir=tmp_path, explain="ready"), explainer=EXPLAINER)
    jobs.prepare()
    until(lambda: jobs.store().keys(records.WORKER_KEY))
    jobs.close()
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_could_not_be_queued_is_forgotten(
    jobs: Jobs, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str, priority: int) -> None:
        raise Unavailable("the queue is gone")

    order = replace(ORDER, target="bcc")
    with monkeypatch.context() as patch:
        patch.setattr(jobs.sender, "send", fail)
        with pytest.raises(Unavailable, match="the queue is gone"):
            jobs.submit(picture, order)
    assert jobs.wait(jobs.submit(picture, order), LONG_SECONDS).state == "done"


def test_explanations_go_with_their_picture(jobs: Jobs, picture: bytes) -> None:
    done = jobs.submit(picture, replace(ORDER, target="df"))
    assert jobs.wait(done, LONG_SECONDS).state == "done"
    going = jobs.submit(picture, replace(ENDLESS, target="vasc"))
    until(lambda: jobs.status(going).state == "running")
    forget(jobs, hashlib.sha256(picture).hexdigest(), [ANYBODY])
    assert jobs.of_picture(picture) == []
    with pytest.raises(UnknownJob):
        jobs.picture(done)
    assert jobs.status(going).state == "cancelled"
