"""Workers on two machines, over PostgreSQL and over Redis: one is killed, the other finishes."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

redis = pytest.importorskip("redis")

from Dashboard.__main__ import app
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import NO_WORKER, Jobs
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.explain.jobs.local_worker import LocalWorkerManager
from Dashboard.explain.jobs.remote import Values
from Dashboard.store.explanation_rows import KEEP
from tests.dashboard.explain.machines import Machine, forwarded, two_machines
from tests.dashboard.explain.test_jobs import ORDER, SLOW, begun, submit, until, wait
from tests.dashboard.store.conftest import new_database, postgresql
from tests.house.servers import free_port

__all__ = ["new_database", "postgresql"]  # fixtures
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="machines are Linux's"),
]
# As `python -m Dashboard work`, but with the double, and soon missed when it is gone.
WORKER = """
from datetime import timedelta
from Dashboard.config import Config
from Dashboard.explain.jobs import worker
from Dashboard.store import explanation_work
explanation_work.LEASE = timedelta(seconds=2)
worker.run(Config.from_env(), "tests.dashboard.explaining:explain_for_seconds")
"""
Start = Callable[..., list["subprocess.Popen[bytes]"]]


@pytest.fixture(scope="module")
def machines() -> Iterator[list[Machine]]:
    with two_machines() as made:
        yield made


@pytest.fixture
def start(machines: list[Machine], repository: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker on each machine; `{server}` in a setting is this machine's address."""
    started: list[subprocess.Popen[bytes]] = []

    def make(**settings: str) -> list["subprocess.Popen[bytes]"]:
        for machine in machines:
            own = {name: value.format(server=machine.server) for name, value in settings.items()}
            command = [*machine.command, sys.executable, "-c", WORKER]
            environment = os.environ | {"DATA_DIR": "", "DATABASE_URL": "", "REDIS_URL": ""} | own
            environment["PYTHONPATH"] = str(repository)
            folder = tmp_path / f"machine{len(started)}"
            folder.mkdir()
            started.append(subprocess.Popen(command, cwd=folder, env=environment))
        return started

    yield make
    for worker in started:
        worker.kill()
        worker.wait()


def one_of_two_is_killed(jobs: Jobs, workers: list["subprocess.Popen[bytes]"]) -> None:
    """Both have a job, one of them is killed, and both jobs are done."""
    targets = ("mel", "nv")
    keys = [submit(jobs, replace(ORDER, target=target), SLOW) for target in targets]
    for key in keys:
        until(begun(jobs, key))
    assert [jobs.status("me", key).state for key in keys] == ["running", "running"]
    os.kill(workers[0].pid, signal.SIGKILL)
    rows = [wait(jobs, key) for key in keys]
    assert [row.state for row in rows] == ["done", "done"]
    assert [row.result["target"] for row in rows] == list(targets)
    assert jobs.map(rows[0]).shape == (40, 60)
    workers[1].terminate()
    assert workers[1].wait(30) == 0


def test_over_postgresql(
    start: Start,
    new_database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = new_database()
    found = re.fullmatch(r"postgresql://tests@/(\w+)\?host=(.+)", address)
    assert found is not None
    name, folder = found.groups()
    data = str(tmp_path / "data")
    jobs = Jobs(Config(data_dir=Path(data), database_url=address))
    jobs.store.prepare()
    # A server without torch: the other machines' workers do it.
    monkeypatch.setattr(LocalWorkerManager, "start", lambda *_: None)
    with forwarded(f"{folder}/.s.PGSQL.5432") as port:
        database_url = f"postgresql://tests@{{server}}:{port}/{name}"
        one_of_two_is_killed(jobs, start(DATABASE_URL=database_url, DATA_DIR=data))
    jobs.close()
    jobs.store.close()


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """An empty Redis of this test's own."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--protected-mode", "no", "--save", ""]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return not Values(f"redis://127.0.0.1:{port}/0").signed()
        except redis.RedisError:
            return False

    until(answers)
    yield port
    server.terminate()
    server.wait(10)


def test_over_redis(start: Start, redis_port: int, tmp_path: Path) -> None:
    """The workers have nothing in common with the server but the Redis."""
    url = f"redis://127.0.0.1:{redis_port}/0"
    jobs = Jobs(Config(redis_url=url, data_dir=tmp_path / "data"))
    with pytest.raises(Unavailable, match=re.escape(NO_WORKER)):
        submit(jobs)
    workers = start(REDIS_URL=f"redis://{{server}}:{redis_port}/0")
    until(Values(url).signed)
    one_of_two_is_killed(jobs, workers)
    database = redis.Redis.from_url(url)
    left = list(database.scan_iter("lesions:*"))
    assert left == [b"lesions:worker"]
    asked = database.info("commandstats")
    assert "cmdstat_keys" not in asked
    assert KEEP.seconds >= database.ttl("lesions:worker") > 0
    jobs.close()
    jobs.store.close()


def test_the_command_says_what_it_needs() -> None:
    settings = {"REDIS_URL": "", "DATABASE_URL": "", "DATA_DIR": ""}
    done = CliRunner().invoke(app, ["work"], env=settings)
    assert done.exit_code == 2
    said = " ".join(done.output.split())
    assert "a worker of its own needs REDIS_URL, or DATABASE_URL" in said
