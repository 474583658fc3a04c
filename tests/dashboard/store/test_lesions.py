"""Lesions as one and over time, over SQLite and over PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text

from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.store.errors import UnknownItem
from Dashboard.store.lesions import date_of, lesion_page, lesion_series
from Dashboard.store.measuring import Measurements
from Dashboard.store.place import Place
from Dashboard.store.schema import Item, Measured, Registered
from Dashboard.store.store import Store
from Dashboard.web.errors import InputError
from tests.dashboard.store.conftest import Assessed
from tests.dashboard.store.test_store import OLD, Clock

KATHMANDU = timezone(timedelta(hours=5, minutes=45))


def keep(store: Store, assessed: Assessed, kind: str, lesion: str, owner: str = "me") -> Item:
    item = store.keep(owner, *assessed[kind], f"{kind}.png")
    return store.change(owner, item.key, {"lesion": {"name": lesion}})


def test_a_lesion_is_judged_by_its_most_urgent_picture(config: Config, assessed: Assessed) -> None:
    store = Store(config, now=Clock())
    urgent = keep(store, assessed, "malignant", "L1")
    retake, last = keep(store, assessed, "pale", "L1"), keep(store, assessed, "benign", "L1")
    store.change("me", retake.key, {"clinician_verdict": "no_appointment"})
    keep(store, assessed, "malignant", "L1", owner="you")
    found = lesion_series(store, "me", "L1").to_dict()
    assert found.items() >= {
        "name": "L1", "count": 3, "verdict": "consultation", "verdict_of": urgent.key,
        "latest": last.key, "clinician_verdict": "no_appointment",
        "clinician_verdict_of": retake.key, "first": date_of(urgent), "last": date_of(last),
    }.items()  # fmt: skip
    assert found["message"] == "Please schedule patient for a consultation"
    store.change_many("me", [urgent.key], {}, removed=True)
    assert lesion_series(store, "me", "L1").to_dict()["verdict"] == "retake"
    for owner, name in (("me", "L2"), ("nobody", "L1")):
        with pytest.raises(UnknownItem, match="there is no such lesion"):
            lesion_series(store, owner, name)
    store.close()


def test_pictures_stand_in_order_of_when_they_were_taken(
    config: Config, assessed: Assessed
) -> None:
    store = Store(config, now=Clock())
    items = [keep(store, assessed, "benign", "L1") for _ in range(4)]
    times = [
        datetime(2026, 3, 1, 12, tzinfo=KATHMANDU),  # 06:15 in UTC
        datetime(2026, 3, 1, 7),
        None,
        datetime(2026, 2, 1, tzinfo=UTC),
    ]
    for item, taken in zip(items, times, strict=True):
        store.change("me", item.key, {"taken": taken})
    found = lesion_series(store, "me", "L1").items
    assert [item.key for item in found] == [items[place].key for place in (3, 0, 1, 2)]
    assert [date_of(item) for item in found[:3]] == [
        "2026-02-01T00:00:00+00:00", "2026-03-01T12:00:00+05:45", "2026-03-01T07:00:00"
    ]  # fmt: skip
    assert [one.new for one in store.get("me", items[1].key).changes][1:] == ["2026-03-01T07:00:00"]
    store.close()


def test_the_list_of_lesions_is_read_in_parts(config: Config, assessed: Assessed) -> None:
    store = Store(config, now=Clock())
    for kind, name in (("benign", "b"), ("malignant", "z"), ("benign", "a/1"), ("pale", "ä")):
        keep(store, assessed, kind, name)
    keep(store, assessed, "malignant", "a/1")
    store.keep("me", *assessed["malignant"], "of no lesion")
    names, after = [], None
    for _ in range(4):
        page = lesion_page(store, "me", after=after, limit=1)
        names += [series.lesion.name for series in page.lesions]
        after = page.next
    assert (names, after, page.total) == (["a/1", "z", "ä", "b"], None, 4)
    assert lesion_page(store, "you").lesions == []
    with pytest.raises(InputError, match="`next` of an answer to GET /lesions"):
        lesion_page(store, "me", after="1")
    store.close()


def test_what_is_measured_is_kept_and_deleted_with_its_rows(
    store: Store, assessed: Assessed, make_service: type[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (keep(store, assessed, kind, "L1") for kind in ("benign", "malignant"))
    service = make_service()
    items = lesion_series(store, "me", "L1").items
    (found,) = Measurements(store, service, "me").changes(items)
    assert (found["from"], found["to"]) == (first.key, second.key)
    assert found["registered"] or "too little in common" in found["reason"]
    # Once more: nothing is decoded.
    monkeypatch.setattr(service, "decode", None)
    assert Measurements(store, service, "me").changes(items) == [found]

    def rows() -> list[int | None]:
        with store.place.database.reading() as session:
            return [
                session.scalar(select(func.count()).select_from(table))
                for table in (Measured, Registered)
            ]

    assert rows() == [2, 1]
    store.delete("me", first.key)
    assert rows() == [1, 0]
    # What was measured of a row that is gone meanwhile is not kept.
    Measurements(store, make_service(), "me").laid(items[0], items[1])
    assert rows() == [1, 0]


def test_an_upgrade_keeps_what_is_there_and_knows_no_dates(config: Config) -> None:
    store = Store(config)
    database = Place(config).database
    database.upgrade("0001")
    with database.writing("tests") as session:
        for statement in OLD.split(";")[:-1]:
            session.execute(text(statement.replace(": ", "\\: ")))
        session.execute(text("INSERT INTO lesions (id, owner, name) VALUES (1, 'me', 'L1')"))
        session.execute(text("UPDATE assessments SET lesion_id = 1"))
    database.close()
    store.prepare()
    found = lesion_series(store, "me", "L1")
    assert [(item.key, item.taken) for item in found.items] == [
        ("two", None),
        ("one", None),
    ]
    store.close()
