"""Who follows an explanation, in files and in Redis, and what one of several may do to it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from Dashboard.explain.jobs import records, subscriptions
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
    assert not subscriptions.has_subscribers(store, "k")
    subscriptions.subscribe(store, "k", "one")
    subscriptions.subscribe(store, "k", "one")
    subscriptions.subscribe(store, "k", "two")
    subscriptions.subscribe(store, "other", "three")
    subscriptions.unsubscribe(store, "k", "one")
    assert subscriptions.has_subscribers(store, "k")
    subscriptions.unsubscribe(store, "k", "two")
    assert not subscriptions.has_subscribers(store, "k")
    assert not subscriptions.renew(store, "k", "two")
    subscriptions.subscribe(store, "k", "two")  # a question that was being answered
    assert not subscriptions.has_subscribers(store, "k")
    assert subscriptions.renew(store, "k", "four")
    assert subscriptions.has_subscribers(store, "k")


def test_who_is_not_heard_of_follows_no_longer(store: Store) -> None:
    subscriptions.subscribe(store, "silent", "one", 0.05)
    until(lambda: not subscriptions.has_subscribers(store, "silent"))


def test_a_page_in_the_background_is_heard_often_enough() -> None:
    assert subscriptions.LEASE_SECONDS > 60  # browsers let it ask once a minute


def test_one_of_two_stops_nothing(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, ENDLESS)
    for who in ("one", "two"):
        jobs.subscribe(key, who)
    until(lambda: jobs.status(key).fraction > 0)
    jobs.unsubscribe(key, "one")
    assert jobs.poll(key, "one") is None
    record = jobs.poll(key, "two")
    assert record is not None
    assert record.state == "running"
    jobs.unsubscribe(key, "two")
    assert jobs.status(key).state == "cancelled"
    until(lambda: not jobs.store().keys(records.cancel_key(key)))


def test_leaving_what_is_done_keeps_its_results(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, replace(ORDER, target="bkl"))
    jobs.subscribe(key, "one")
    jobs.wait(key, LONG_SECONDS)
    jobs.unsubscribe(key, "one")
    record = jobs.poll(key, "one")
    assert record is not None
    assert record.state == "done"
    assert jobs.picture(key).startswith(b"\x89PNG")
    with pytest.raises(UnknownJob):
        jobs.unsubscribe("x" * 22, "one")


def test_leaving_a_page_lets_its_jobs_go_on(jobs: Jobs, picture: bytes) -> None:
    key = jobs.submit(picture, replace(ENDLESS, target="mel"))
    jobs.subscribe(key, "one")
    jobs.unsubscribe(key, "one", stop=False)
    assert jobs.status(key).state in ("queued", "running")
    jobs.cancel(key)
