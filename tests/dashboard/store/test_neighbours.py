"""What stands before and after an assessment in a list, over every database."""

from typing import get_args

import pytest

from Dashboard.store import neighbours as module
from Dashboard.store.filters import Filters, Order
from Dashboard.store.listing import span
from Dashboard.store.neighbours import Neighbours, neighbours
from Dashboard.store.store import Store
from tests.dashboard.conftest import Assessed

KINDS = ("benign", "malignant", "pale", "benign", "malignant")


def test_neighbours_are_those_of_the_list(
    store: Store, assessed: Assessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, kind in enumerate(KINDS):
        store.keep("me", *assessed[kind], f"{number}.png")
    store.keep("you", *assessed["benign"], "theirs.png")
    consultations = Filters(verdict="consultation")
    for order in get_args(Order):
        for filters in (Filters(), consultations):
            items, total = span(store, "me", filters, order, None, 0, 10)
            keys = [item.key for item in items]
            for at, item in enumerate(items):
                before = keys[at - 1] if at else None
                after = keys[at + 1] if at + 1 < total else None
                found = neighbours(store, store.get("me", item.key), filters, order)
                assert found == Neighbours(before, after, at + 1, total), order
    other = next(item for item in span(store, "me", Filters(), "file", None, 0, 1)[0])
    for order in ("urgent", "file"):
        out = neighbours(store, store.get("me", other.key), consultations, order)
        assert out == Neighbours(None, None, 0, 2)
    # Of long lists the place is not counted, and an order without an index not read.
    monkeypatch.setattr(module, "MOST_COUNTED", 4)
    monkeypatch.setattr(module, "MOST_READ", 4)
    item = store.get("me", other.key)
    assert neighbours(store, item, Filters(), "newest").place == 0
    assert neighbours(store, item, Filters(), "newest").before is not None
    assert neighbours(store, item, Filters(), "file") == Neighbours(None, None, 0, 5)
