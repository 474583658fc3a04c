"""Lists of what the store keeps: in parts, narrowed and sorted, over SQLite and over PostgreSQL."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from Dashboard.config import Config
from Dashboard.store import listing
from Dashboard.store.filters import Filters
from Dashboard.store.listing import span, whole
from Dashboard.store.store import Store
from Dashboard.web.errors import InputError
from tests.dashboard.store.conftest import Assessed
from tests.dashboard.store.test_store import ALL, NOON, Clock, keep, names


def test_a_list_is_read_in_parts_that_stay_true(
    config: Config, assessed: Assessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(config, now=Clock())
    keys = [keep(store, assessed, "benign", f"{n}.png").key for n in range(7)]
    first = store.page("me", ALL, limit=3)
    assert ([item.file for item in first.items], first.total) == (["6.png", "5.png", "4.png"], 7)
    # The last one of the first part goes, and a new one comes: the rest is as it was.
    store.delete("me", keys[4])
    keep(store, assessed, "benign", "new.png")
    second = store.page("me", ALL, after=first.next, limit=3)
    assert [item.file for item in second.items] == ["3.png", "2.png", "1.png"]
    third = store.page("me", ALL, after=second.next, limit=3)
    assert ([item.file for item in third.items], third.next) == (["0.png"], None)
    # All of it is the list as it was when it was asked for, without what is deleted meanwhile.
    monkeypatch.setattr(listing, "CHUNK", 2)
    found = whole(store, "me", ALL, "newest")
    store.delete("me", keys[5])
    keep(store, assessed, "benign", "later.png")
    assert [item.file for item in found] == [
        "new.png", "6.png", "3.png", "2.png", "1.png", "0.png"
    ]  # fmt: skip
    store.close()


def test_the_most_urgent_come_first(config: Config, assessed: Assessed) -> None:
    store = Store(config, now=Clock())
    for number, kind in enumerate(("benign", "malignant", "pale", "malignant", "benign")):
        keep(store, assessed, kind, f"{number}.png")
    expected = ["3.png", "1.png", "2.png", "4.png", "0.png"]
    found, after = [], None
    for _ in range(3):
        page = store.page("me", ALL, sort="urgent", after=after, limit=2)
        found += [item.file for item in page.items]
        after = page.next
    assert (found, after) == (expected, None)
    assert [item.file for item in whole(store, "me", ALL)] == expected
    with pytest.raises(InputError, match="sorted alike"):
        store.page("me", ALL, after=store.page("me", ALL, sort="urgent", limit=1).next)
    store.close()


@pytest.mark.parametrize("place", ["", "1", "1-a", "x-" + "a" * 22, "9" * 17 + "-" + "a" * 22])
def test_what_is_no_place_in_the_list(tmp_path: Path, place: str) -> None:
    store = Store(Config(data_dir=tmp_path))
    with pytest.raises(InputError, match="after must be the `next` of an answer"):
        store.page("me", ALL, after=place, limit=1)
    store.close()


def test_filters(config: Config, assessed: Assessed) -> None:
    store = Store(config, now=Clock())
    keep(store, assessed, "benign", "Groß/100%_a.png")
    keep(store, assessed, "malignant", "b.png")
    keep(store, assessed, "pale", "C.PNG")
    lesion = keep(store, assessed, "malignant", "d.jpg")
    keep(store, assessed, "benign", "other.png", owner="you")
    store.change("me", lesion.key, {"lesion": {"name": "L1"}})
    for filters, expected in (
        (Filters(verdict="consultation"), ["d.jpg", "b.png"]),
        (Filters(verdict="retake"), ["C.PNG"]),
        (Filters(code="nv"), ["Groß/100%_a.png"]),
        (Filters(lesion="L1"), ["d.jpg"]),
        (Filters(lesion="L2"), []),
        (Filters(text=".png"), ["C.PNG", "b.png", "Groß/100%_a.png"]),
        (Filters(text="GROSS"), ["Groß/100%_a.png"]),
        (Filters(text="%_"), ["Groß/100%_a.png"]),
        (Filters(text="_b"), []),
        (Filters(text=".", verdict="consultation", code="mel"), ["d.jpg", "b.png"]),
        (Filters(since=NOON + timedelta(hours=1)), []),
        (Filters(since=NOON, until=NOON + timedelta(minutes=2)), ["Groß/100%_a.png"]),
    ):
        assert names(store, filters) == expected, filters
    store.close()


def test_by_urgency_no_page_has_to_sort_or_to_read_what_is_long(
    config: Config, assessed: Assessed
) -> None:
    store = Store(config)
    keep(store, assessed, "benign", "a.png")
    keep(store, assessed, "malignant", "b.png")
    asked: list[tuple[str, Any]] = []
    engine = store.place.database.engine
    note = event.listens_for(engine, "before_cursor_execute")
    note(lambda _, cursor, statement, values, *rest: asked.append((statement, values)))
    for filters in (ALL, Filters(certainty="clear", text="PNG", p_malignant_max=0.9)):
        asked.clear()
        found, total = span(store, "me", filters, "urgent", start=1)
        assert [item.file for item in found] == ["a.png"]
        assert total == 2
        if engine.dialect.name == "sqlite":  # PostgreSQL plans by how many rows there are
            statement, values = next(one for one in asked if "ORDER BY" in one[0])
            with engine.connect() as connection:
                plan = str(
                    connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
                )
            assert "COVERING INDEX ix_assessments_urgent" in plan
            assert "TEMP B-TREE" not in plan
    store.close()
