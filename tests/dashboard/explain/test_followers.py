"""Who follows an explanation, in files and in Redis, and what one of several may do to it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from Dashboard.explain.jobs import followers, records
from Dashboard.explain.jobs.engine import Jobs, UnknownJob
from Dashboard.explain.jobs.files import FileStore
from Dashboard.explain.jobs.store import RedisStore, Store
from tests.dashboard.explain.test_jobs import ENDLESS, LONG_SECONDS, ORDER, picture, until
from tests.dashboard.explain.test_jobs_redis import redis_url

__all__ = ["picture", "redis_url"]  # fixtures


@pytest.fixture(params=["files", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "files":
        yield FileStore(tmp_path)
    else:
        yield RedisStore(request.getfixturevalue("redis_url"))


def test_followers_are_counted(store: Store) -> None:
    assert not followers.anybody(store, "k")
    followers.follow(store, "k", "one")
    followers.follow(store, "k", "one")
    followers.follow(store, "k", "two")
    followers.follow(store, "other", "three")
    followers.leave(store, "k", "one")
    assert followers.anybody(store, "k")
    followers.leave(store, "k", "two")
    assert not followers.anybody(store, "k")
    assert not followers.renew(store, "k", "two")
    followers.follow(store, "k", "two")  # a question that was being answered
    assert not followers.anybody(store, "k")
    assert followers.renew(store, "k", "four")
    assert followers.anybody(store, "k")


def test_who_is_not_heard_of_follows_no_longer(store: Store) -> None:
    followers.follow(store, "silent", "one", 0.05)
    until(lambda: not followers.anybody(store, "silent"))


def test_a_page_in_the_background_is_heard_often_enough() -> None:
    assert followers.FOLLOWING_SECONDS > 60  # browsers let it ask once a minute


def test_one_of_two_stops_nothing(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, ENDLESS)
    for who in ("one", "two"):
        jobs.follow(key, who)
    until(lambda: jobs.status(key).fraction > 0)
    jobs.leave(key, "one")
    assert jobs.look(key, "one") is None
    record = jobs.look(key, "two")
    assert record is not None
    assert record.state == "running"
    jobs.leave(key, "two")
    assert jobs.status(key).state == "cancelled"
    until(lambda: not jobs.store().keys(records.cancel_key(key)))


def test_leaving_what_is_done_keeps_its_results(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, replace(ORDER, target="bkl"))
    jobs.follow(key, "one")
    jobs.wait(key, LONG_SECONDS)
    jobs.leave(key, "one")
    record = jobs.look(key, "one")
    assert record is not None
    assert record.state == "done"
    assert jobs.picture(key).startswith(b"\x89PNG")
    with pytest.raises(UnknownJob):
        jobs.leave("x" * 22, "one")


def test_leaving_a_page_lets_its_jobs_go_on(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, replace(ENDLESS, target="mel"))
    jobs.follow(key, "one")
    jobs.leave(key, "one", stop=False)
    assert jobs.status(key).state in ("queued", "running")
    jobs.cancel(key)
