"""Explanations by workers of their own, over a Redis of Debian's; skipped where it is missing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

redis = pytest.importorskip("redis")

from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.jobs import KEEP_SECONDS, records
from Dashboard.explain.jobs.engine import Jobs, Unavailable
from Dashboard.explain.jobs.store import RedisStore
from tests.dashboard.calling import Page
from tests.dashboard.conftest import EXPLAINER
from tests.dashboard.explain.test_jobs import ENDLESS, LONG_SECONDS, ORDER, until
from tests.house.servers import free_port

pytestmark = pytest.mark.slow

# As `celery -A Dashboard.explain.jobs worker`, but with the double, and soon missed when it is
# gone.
WORKER = f"""
import sys
from Dashboard.explain.jobs import work
from Dashboard.explain.jobs.queue import make_celery, register
from Dashboard.explain.jobs.store import RedisStore
work.BEAT_SECONDS, work.BEAT_LASTS_SECONDS = 0.3, 1.5
app = make_celery(redis_url=sys.argv[1])
register(app, RedisStore(sys.argv[1]), {EXPLAINER!r})
app.Worker(loglevel="ERROR", quiet=True).start()
"""


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Redis of this module's own."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel"]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen([*command, "warning"], cwd=folder, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"

    def answers() -> bool:
        try:
            return RedisStore(url).keys("") == []
        except RuntimeError:
            return False

    until(answers)
    yield url
    server.terminate()
    server.wait(10)


@pytest.fixture
def redis_jobs(redis_url: str) -> Jobs:
    return Jobs(Config(redis_url=redis_url))


@pytest.fixture
def start(repository: Path, redis_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts workers, and ends those that are left."""
    started: list[subprocess.Popen[bytes]] = []

    def make() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-c", WORKER, redis_url]
        started.append(subprocess.Popen(command, cwd=repository))
        store = RedisStore(redis_url)
        until(lambda: len(store.keys(records.WORKER_KEY)) >= len(started))
        return started[-1]

    yield make
    for worker in started:
        worker.kill()
        worker.wait()
    until(lambda: not RedisStore(redis_url).keys(records.WORKER_KEY))


def test_without_a_worker_it_is_said(redis_jobs: Jobs) -> None:
    with pytest.raises(
        Unavailable, match=r"start one with `celery -A Dashboard\.explain\.jobs worker`"
    ):
        redis_jobs.submit(b"picture", ORDER)


def test_several_workers_share_the_queue(
    redis_jobs: Jobs, redis_url: str, encode: Callable[..., bytes], start: Callable[[], object]
) -> None:
    start()
    start()
    data = encode("benign")
    first = redis_jobs.submit(data, ENDLESS)
    second = redis_jobs.submit(data, replace(ENDLESS, target="mel"))
    until(lambda: all(redis_jobs.status(key).fraction > 0 for key in (first, second)))  # at once
    for key in (first, second):
        redis_jobs.cancel(key)
        assert redis_jobs.wait(key, LONG_SECONDS).state in ("running", "cancelled")
        until(lambda key=key: redis_jobs.status(key).state == "cancelled")  # type: ignore[misc]
    key = redis_jobs.submit(data, ORDER)
    assert redis_jobs.wait(key, LONG_SECONDS).state == "done"
    assert redis_jobs.picture(key).startswith(b"\x89PNG")
    assert Jobs(Config(redis_url=redis_url)).view(key)["width"] == 480  # from another server
    assert redis_jobs.of_picture(data) == [key]

    store = RedisStore(redis_url)
    assert store.keys("input-") == []
    database = redis.Redis.from_url(redis_url)
    left = [database.ttl(name) for name in database.keys("lesions:*")]
    assert len(left) >= 5
    assert 0 < min(left) <= max(left) <= KEEP_SECONDS


def test_background_callbacks_of_several_servers(
    redis_url: str,
    encode: Callable[..., bytes],
    start: Callable[[], object],
    make_service: Callable[..., Any],
) -> None:
    start()
    service = make_service(redis_url=redis_url)
    one, other = (Page(create_app(service.config, service).server.test_client()) for _ in range(2))
    other.end_id = one.end_id  # a page's requests reach whichever server is free
    handles = one.explain(encode("benign"), precision="High", method="saliency")
    until(lambda: (other.poll(handles)[0] or {}).get("fraction", 0) > 0, LONG_SECONDS)
    other.cancel(handles)
    until(lambda: (one.poll(handles)[1] or {}).get("state") == "cancelled", LONG_SECONDS)
    handles = one.explain(encode("benign"), precision="Low", method="saliency")
    until(lambda: (other.poll(handles)[1] or {}).get("state") == "done", LONG_SECONDS)


def test_a_killed_workers_job_is_reported(
    redis_jobs: Jobs,
    encode: Callable[..., bytes],
    start: Callable[[], subprocess.Popen[bytes]],
) -> None:
    worker = start()
    key = redis_jobs.submit(encode("malignant"), ENDLESS)
    until(lambda: redis_jobs.status(key).fraction > 0)
    os.kill(worker.pid, signal.SIGKILL)
    record = redis_jobs.wait(key, LONG_SECONDS)
    assert (record.state, record.error) == ("failed", records.WORKER_DIED)


def test_the_command_needs_an_address(repository: Path) -> None:
    command = [sys.executable, "-m", "celery", "-A", "Dashboard.explain.jobs", "worker"]
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "REDIS_URL is not set: a worker of its own needs a queue in Redis" in done.stderr
    assert "Traceback" not in done.stderr
