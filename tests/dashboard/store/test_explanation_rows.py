"""Explanations as rows, over SQLite and over PostgreSQL: one job, one worker, one owner."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from Dashboard.config import MEBIBYTE, Config
from Dashboard.store.deletion import delete_orphans
from Dashboard.store.errors import StoreFull, TooMany, UnknownExplanation
from Dashboard.store.explanation_rows import (
    CANCELLED,
    KEEP,
    MOST_OF_ONE,
    MOST_OPEN,
    UNWANTED,
    ExplanationRows,
)
from Dashboard.store.explanation_work import LEASE, TRIES, WORKER_DIED, ExplanationWork
from Dashboard.store.schema import Item
from Dashboard.store.store import Store
from tests.dashboard.store.conftest import Assessed

RESULT = {"target": "nv", "probability": 0.5, "width": 6, "height": 4}
Ask = Callable[..., str]


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(config: Config, clock: Clock) -> Iterator[Store]:
    made = Store(config, now=clock)
    yield made
    made.close()


@pytest.fixture
def rows(store: Store) -> ExplanationRows:
    return store.explanations


@pytest.fixture
def work(rows: ExplanationRows) -> ExplanationWork:
    return ExplanationWork(rows)


def asked(store: Store, item: Item | None = None, **changes: Any) -> dict[str, Any]:
    """What a request says."""
    return {
        "owner": "me", "request": "r", "address": "a", "item_id": item and item.id,
        "expires": None if item else store.now() + KEEP, "model": "plain", "version": "1",
        "method": "gradcam", "precision": "Low", "target": None, "order": {}, "lane": "fast",
        "patience": 8.0, "estimate": 1.0, **changes,
    }  # fmt: skip


@pytest.fixture
def ask(store: Store) -> Ask:
    """Asks for an explanation, and gives its key."""

    def make(item: Item | None = None, data: bytes | None = b"picture", **changes: Any) -> str:
        values = asked(store, item, **changes)
        return store.explanations.put(values, None if item else data)[0].key

    return make


def files(store: Store) -> list[Path]:
    return [path for path in store.place.maps.folder.rglob("*") if path.is_file()]


def finished(work: ExplanationWork, lane: str = "fast", values: bytes = b"map") -> str:
    """Work on the next of a lane."""
    row = work.claim(lane, "w")
    assert row is not None
    assert work.finish(row.key, "w", values, 0.5, RESULT)
    return row.key


def test_eight_equal_requests_at_once_are_one_row(store: Store, rows: ExplanationRows) -> None:
    store.prepare()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: rows.put(asked(store), b"picture"), range(8)))
    assert len({row.key for row, _ in found}) == 1
    assert sum(new for _, new in found) == 1
    assert len(files(store)) == 1


def test_another_owner_has_another_row_and_sees_none(
    rows: ExplanationRows, work: ExplanationWork, ask: Ask
) -> None:
    mine, yours = ask(), ask(owner="you")
    assert mine != yours
    for attempt in (rows.look, rows.cancel):
        with pytest.raises(UnknownExplanation):
            attempt("you", mine)
    assert rows.look("me", mine).state == "queued"
    assert finished(work) == mine
    assert rows.map(rows.look("me", mine)) == b"map"


def test_the_first_of_each_lane_is_taken_and_the_second_of_one_waits_for_others(
    work: ExplanationWork, ask: Ask
) -> None:
    first = ask(request="1", lane="slow")
    second = ask(request="2", lane="slow")
    other = ask(request="3", lane="slow", address="b")
    fast = ask(request="4")
    taken = [work.claim(lane, "w") for lane in ("fast", "slow", "slow", "slow", "slow")]
    assert [row and row.key for row in taken] == [fast, first, other, second, None]


def test_two_workers_at_once_take_different_ones(
    store: Store, work: ExplanationWork, ask: Ask
) -> None:
    store.prepare()
    keys = {ask(request=str(number)) for number in range(6)}
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda number: work.claim("fast", f"w{number}"), range(6)))
    assert {row.key for row in taken if row} == keys


def test_a_worker_that_is_gone_loses_its_job_to_the_next(
    rows: ExplanationRows, work: ExplanationWork, ask: Ask, clock: Clock
) -> None:
    key = ask(patience=600.0)
    assert work.claim("fast", "gone") is not None
    clock.pass_(LEASE.total_seconds() - 1)
    assert work.beat(key, "gone", 0.5)
    clock.pass_(LEASE.total_seconds() - 1)
    work.sweep()
    assert (rows.look("me", key).state, rows.look("me", key).fraction) == ("running", 0.5)
    clock.pass_(2)
    work.sweep()
    assert (rows.look("me", key).state, rows.look("me", key).fraction) == ("queued", 0.0)
    assert not work.beat(key, "gone", 0.6)  # it lives after all, and is to stop
    assert not work.finish(key, "gone", b"map", 1.0, RESULT)
    assert finished(work) == key
    assert rows.map(rows.look("me", key)) == b"map"


def test_nothing_stays_running_after_everything_was_killed(
    store: Store, rows: ExplanationRows, work: ExplanationWork, ask: Ask, clock: Clock
) -> None:
    left, wanted = ask(request="1"), ask(request="2", patience=900.0)
    assert {work.claim("fast", "killed") is None for _ in range(2)} == {False}
    clock.pass_(LEASE.total_seconds() + 2)
    store.prepare()  # as the next start does
    assert (rows.look("me", left).state, rows.look("me", wanted).state) == ("cancelled", "queued")


def test_what_kills_every_worker_is_not_tried_for_ever(
    rows: ExplanationRows, work: ExplanationWork, ask: Ask
) -> None:
    key = ask()
    for _ in range(TRIES):
        assert work.claim("fast", "dies") is not None
        work.release("dies")  # as the next process of this name does
    row = rows.look("me", key)
    assert (row.state, row.error) == ("failed", WORKER_DIED)
    assert ask() != key


@pytest.mark.parametrize("running", [False, True])
def test_what_nobody_asks_for_any_more_ends_within_ten_seconds(
    store: Store,
    rows: ExplanationRows,
    work: ExplanationWork,
    ask: Ask,
    clock: Clock,
    running: bool,
) -> None:
    key = ask()
    for _ in range(3):  # somebody looks, now and then
        clock.pass_(7)
        assert rows.look("me", key).state == "queued"
    if running:
        assert work.claim("fast", "w") is not None
        assert work.beat(key, "w", 0.1)
    clock.pass_(8.5)
    if running:
        assert not work.beat(key, "w", 0.2)
    assert work.claim("fast", "w") is None
    work.sweep()
    row = rows.look("me", key)
    assert (row.state, row.error) == ("cancelled", UNWANTED)
    assert files(store) == []
    patient = ask(patience=900.0)  # of a program, which comes when it likes
    clock.pass_(800)
    work.sweep()
    assert rows.look("me", patient).state == "queued"


def test_cancelling_one_that_runs_and_deleting_one_that_is_done(
    store: Store, rows: ExplanationRows, work: ExplanationWork, ask: Ask
) -> None:
    key = ask()
    assert work.claim("fast", "w") is not None
    assert rows.cancel("me", key).state == "cancelled"
    assert not work.beat(key, "w", 0.5)
    assert not work.finish(key, "w", b"map", 1.0, RESULT)
    assert rows.look("me", key).error == CANCELLED
    again = ask()
    assert again != key
    assert finished(work) == again == ask()  # an equal request finds what is done
    assert rows.cancel("me", again).state == "done"
    with pytest.raises(UnknownExplanation):
        rows.look("me", again)
    assert files(store) == []


def test_explanations_go_with_their_assessment(
    store: Store, rows: ExplanationRows, work: ExplanationWork, ask: Ask, assessed: Assessed
) -> None:
    item, other = (store.keep("me", *assessed["benign"]) for _ in range(2))
    done, running = ask(item, request="1"), ask(item, request="2")
    kept = ask(other, request="3")
    assert rows.picture(rows.look("me", done)) == assessed["benign"][0]
    assert finished(work) == done
    assert work.claim("fast", "w") is not None
    assert [row.key for row in rows.of_item(item)] == [done, running]
    assert len(files(store)) == 1
    store.delete("me", item.key)
    assert files(store) == []
    for key in (done, running):
        with pytest.raises(UnknownExplanation):
            rows.look("me", key)
    assert not work.beat(running, "w", 0.5)
    assert not work.finish(running, "w", b"map", 1.0, RESULT)
    assert files(store) == []
    assert rows.look("me", kept).state == "queued"
    store.delete_all("me")
    with pytest.raises(UnknownExplanation):
        rows.look("me", kept)


def test_a_kept_one_is_adopted(
    store: Store, rows: ExplanationRows, work: ExplanationWork, ask: Ask, assessed: Assessed
) -> None:
    key = ask(request="alone")
    finished(work)
    item = store.keep("me", *assessed["benign"])
    rows.adopt(key, item, "as its own", None)
    assert ask(item, request="as its own") == key
    assert [path.name for path in files(store)] == [key]
    assert rows.picture(rows.look("me", key)) == assessed["benign"][0]


def test_what_is_of_no_assessment_goes_after_fifteen_minutes(
    store: Store, rows: ExplanationRows, work: ExplanationWork, ask: Ask, clock: Clock
) -> None:
    key, waits = ask(request="1", patience=9999.0), ask(request="2", patience=9999.0)
    finished(work)
    assert len(files(store)) == 3
    clock.pass_(KEEP.total_seconds() + 1)
    for one in (key, waits):
        with pytest.raises(UnknownExplanation):
            rows.look("me", one)
    assert work.claim("fast", "w") is None
    assert ask(request="1") != key
    store.tidy()
    assert len(files(store)) == 1


def test_files_of_killed_writers_are_deleted(store: Store, ask: Ask) -> None:
    key = ask()
    with store.place.maps.staged(b"killed before the commit") as staging:
        store.place.maps.place("me", staging, "0" * 22)
    delete_orphans(store.place)
    assert [path.name for path in files(store)] == [f"{key}.picture"]


def test_maps_go_where_there_is_no_room(config: Config, clock: Clock) -> None:
    store = Store(replace(config, store_mb=3), now=clock)
    work, rows = ExplanationWork(store.explanations), store.explanations
    size = MEBIBYTE // 2
    keys = []
    for number, owner in enumerate(["greedy", "greedy", "modest"]):
        rows.put(asked(store, owner=owner, request=str(number)), b"p")
        keys.append(finished(work, values=bytes(size)))
        clock.pass_(1)
    store.require_room(MEBIBYTE + size)  # of who has most, the oldest goes
    with pytest.raises(UnknownExplanation):
        rows.look("greedy", keys[0])
    assert rows.look("greedy", keys[1]).state == rows.look("modest", keys[2]).state == "done"
    with pytest.raises(StoreFull):
        store.require_room(4 * MEBIBYTE)
    assert files(store) == []
    store.close()


def test_few_may_wait(rows: ExplanationRows, ask: Ask, store: Store) -> None:
    for number in range(MOST_OF_ONE):
        ask(request=str(number))
    with pytest.raises(TooMany, match="12 of your explanations are waiting"):
        ask(request="one more")
    assert ask(request="0")  # what is there is no more
    for number in range(MOST_OPEN - MOST_OF_ONE):
        ask(request=f"b{number}", address=f"b{number}")
    with pytest.raises(TooMany, match="too many explanations are waiting"):
        ask(request="c", address="c")
    assert len(files(store)) == MOST_OPEN


def test_estimates_are_what_was_measured(
    rows: ExplanationRows, work: ExplanationWork, ask: Ask
) -> None:
    assert rows.measured() == {}
    for number, seconds in enumerate((1.0, 3.0)):
        key = ask(request=str(number))
        assert work.claim("fast", "w") is not None
        work.finish(key, "w", b"map", seconds, RESULT)
    ask(request="open")
    assert rows.measured() == {("plain", "gradcam", "Low"): 2.0}
    behind = ask(request="behind", estimate=5.0)
    assert rows.ahead(rows.look("me", behind)) == 1.0
