"""What explanations hold, whose they are, and how much of the room one who asks may have."""

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.jobs import engine, local_worker, records, shares, subscriptions
from Dashboard.explain.jobs.engine import Jobs, Unavailable, UnknownJob
from Dashboard.explain.jobs.files import FileStore
from Dashboard.explain.jobs.queue import FOLDERS, make_celery
from Dashboard.explain.jobs.records import Record, Requester
from Dashboard.explain.jobs.room import BoundedStore
from Dashboard.explain.jobs.store import StoreError
from Dashboard.explain.requester import COOKIE
from tests.dashboard.calling import asking
from tests.dashboard.conftest import EXPLAINER
from tests.dashboard.explain.test_jobs import ORDER, picture, until

__all__ = ["picture"]  # a fixture
LARGE = 100_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the worker needs Linux")


def finished(store: FileStore, key: str, by: str, seconds: float) -> None:
    """What a job of two files leaves, that ends in so many seconds."""
    store.put(records.record_key(key), Record(ORDER, "done", by=by).dump(), seconds)
    for name in (records.picture_key, records.array_key):
        store.put(name(key), bytes(LARGE), seconds)


def test_the_oldest_results_of_who_has_most_go_first(tmp_path: Path) -> None:
    store = BoundedStore(tmp_path, 10 * LARGE)
    for key, by, seconds in (("a1", "a", 20), ("a2", "a", 10), ("b1", "b", 5)):
        finished(store, key, by, seconds)
    store.put(records.record_key("c"), Record(ORDER, "running", by="a").dump(), 1)
    store.put(records.input_key("c"), bytes(LARGE), 1)
    store.put(records.picture_key("c"), bytes(LARGE), 1)
    store.put("new", bytes(2 * LARGE), 60)
    held = {name for name, _, _ in store.entries()}
    assert {"job-a1", "job-b1", "job-c", "input-c", "picture-c", "new"} <= held
    assert not held & {"job-a2", "picture-a2", "array-a2"}
    with pytest.raises(StoreError, match="no room for more"):
        store.put("more", bytes(9 * LARGE), 60)
    assert store.get("input-c") is not None
    assert sum(size for _, _, size in store.entries()) <= 10 * LARGE


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BoundedStore(tmp_path, 10 * LARGE)
    finished(store, "a", "", 60)
    put = FileStore.put

    def full(store: FileStore, key: str, value: bytes, seconds: float) -> None:
        if sum(size for _, _, size in store.entries()) + len(value) > limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(store, key, value, seconds)

    monkeypatch.setattr(FileStore, "put", full)
    limit = 2 * LARGE + 200
    store.put("small", b"1" * 500, 60)  # results go, so that signs of life can be given
    assert store.get("picture-a") is None
    limit = 0
    with pytest.raises(StoreError, match="no room for more"):
        store.put("small", b"1", 60)


def test_one_who_asks_has_half_of_the_places(tmp_path: Path) -> None:
    store = BoundedStore(tmp_path, 10 * LARGE)
    for number in range(shares.MOST_OF_ONE):
        assert shares.waiting(store, "greedy", 1) == number
        store.put(records.record_key(str(number)), Record(ORDER, by="greedy").dump(), 60)
        store.put(records.input_key(str(number)), b"", 60)
    with pytest.raises(Unavailable, match="12 of your explanations are waiting"):
        shares.waiting(store, "greedy", 1)
    assert shares.waiting(store, "other", 1) == 0
    for number in range(shares.MOST_OPEN - shares.MOST_OF_ONE):
        store.put(records.staged_key(str(number), f"other{number}"), b"", 60)
    with pytest.raises(Unavailable, match="too many explanations are waiting"):
        shares.waiting(store, "another", 1)


def test_one_who_asks_has_half_of_the_room(tmp_path: Path) -> None:
    store = BoundedStore(tmp_path, 10 * LARGE)
    store.put(records.staged_key("k", "greedy"), bytes(4 * LARGE), 60)
    with pytest.raises(Unavailable, match="no room"):
        shares.waiting(store, "greedy", 2 * LARGE)
    assert shares.waiting(store, "other", 2 * LARGE) == 0


def test_the_second_of_one_waits_behind_the_first_of_another(tmp_path: Path) -> None:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    app = make_celery(folder=tmp_path)
    for number, priority in (("first", 0), ("second", 3), ("third", 6), ("another's", 0)):
        app.send_task("explain", args=[number], priority=priority, task_id=number)
    taken = []
    with app.connection_for_read() as connection, connection.channel() as channel:
        while True:
            try:
                taken.append(channel._get("explanations")["headers"]["id"])
            except Empty:
                break
    assert taken == ["first", "another's", "second", "third"]


def test_pictures_without_an_order_go_though_nothing_was_explained(
    tmp_path: Path, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_worker, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(engine, "STAGED_SECONDS", 0.2)
    jobs = Jobs(Config(data_dir=tmp_path), explainer=EXPLAINER)
    try:
        jobs.stage(picture)
        values = jobs.store()
        assert isinstance(values, FileStore)
        assert len(list(values.folder.iterdir())) == 1
        until(lambda: not list(values.folder.iterdir()), 10)
    finally:
        jobs.close()


def test_invented_tickets_leave_no_trace(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for number in range(3):
        subscriptions.unsubscribe(store, "k", str(number))
    assert list(store.entries()) == []
    for number in range(subscriptions.MOST_SUBSCRIBERS):
        subscriptions.subscribe(store, "k", str(number))
    subscriptions.subscribe(store, "k", "0")
    with pytest.raises(Unavailable, match="too many pages"):
        subscriptions.subscribe(store, "k", "one more")


@pytest.fixture(scope="module")
def browsers(make_service: Callable[..., Any], jobs: Jobs) -> list[FlaskClient]:
    """Two browsers, and two programs."""
    service = make_service(max_upload_mb=1, max_megapixels=2)
    server = create_app(service.config, service, jobs).server
    made = [server.test_client() for _ in range(4)]
    for client in made[:2]:
        client.get("/")
    return made


@pytest.mark.slow
def test_nobody_finds_or_stops_what_others_asked_for(
    browsers: list[FlaskClient], jobs: Jobs, encode: Callable[..., bytes]
) -> None:
    def start(client: FlaskClient) -> str:
        files = {"image": (io.BytesIO(encode("benign")), "a.png")}
        answer = client.post("/explanations", data={**files, "precision": "High"})
        return str(answer.get_json()["key"])

    keys = [start(client) for client in browsers]
    assert len(set(keys)) == 4
    assert start(browsers[0]) == keys[0]
    for client, key in zip(browsers[:2], keys, strict=False):
        assert jobs.of_picture(encode("benign"), by=asking(client)) == [key]
        answer = client.post("/results", data=encode("benign")).get_json()
        others = [one for one in keys if one != key]
        assert not any(one in str(answer) for one in others)
    for key in keys[1:]:
        browsers[1].delete(f"/explanations/{key}")
    assert jobs.status(keys[0]).state in ("queued", "running")
    browsers[0].delete(f"/explanations/{keys[0]}")


def test_a_browsers_cookie(browsers: list[FlaskClient]) -> None:
    client = browsers[0].application.test_client()
    given = client.get("/", base_url="https://x", headers={"X-Forwarded-Prefix": "/derma"})
    (cookie,) = (one for one in given.headers.getlist("Set-Cookie") if one.startswith(COOKIE))
    for part in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/derma/"):
        assert part in cookie
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie
    first = client.get("/")
    assert any(one.startswith(COOKIE) for one in first.headers.getlist("Set-Cookie"))
    assert "Set-Cookie" not in client.get("/").headers
    assert "Set-Cookie" not in client.get("/health").headers
    chosen = client.application.test_client(use_cookies=False)
    given = chosen.get("/", headers={"Cookie": f"{COOKIE}=chosen"}).headers.getlist("Set-Cookie")
    assert any(one.startswith(COOKIE) for one in given)


def test_an_expired_picture_cannot_be_claimed(jobs: Jobs, picture: bytes) -> None:
    key = jobs.stage(picture, Requester("a", "b"))
    assert jobs.claim(key) == picture
    with pytest.raises(UnknownJob):
        jobs.claim(key)
