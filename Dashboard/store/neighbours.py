"""Which assessments stand before and after one in a list."""

from dataclasses import dataclass
from typing import cast, get_args

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from Dashboard.store.filters import Filters, Order, Sort, columns_of, ordered_by
from Dashboard.store.schema import Item
from Dashboard.store.store import Store

# Orders that no index has are read as a whole; of longer lists there are no neighbours then.
MOST_READ = 20_000
# Counting those before one reads their rows.
MOST_COUNTED = 5_000


@dataclass(frozen=True)
class Neighbours:
    """The keys before and after one in a list.

    place: from 1; 0: the list does not hold it, or that is not known.
    count: how many it holds.
    """

    before: str | None
    after: str | None
    place: int
    count: int


def neighbours(
    store: Store, item: Item, filters: Filters, order: Order, descending: bool | None = None
) -> Neighbours:
    """Where an assessment stands in a list of its owner.

    Raises:
        StoreUnavailable.
    """
    meant = [*filters.conditions(item.owner), *store.in_force()]
    with store.place.database.reading() as session:
        count = _count(session, meant)
        if order in get_args(Sort) and descending is not False:
            return _by_index(session, meant, item, cast(Sort, order), count)
        keys: list[str] = []
        if count <= MOST_READ:
            found = select(Item.key).where(*meant).order_by(*ordered_by(order, descending))
            keys = list(session.scalars(found))
    if item.key not in keys:
        return Neighbours(None, None, 0, count)
    at = keys.index(item.key)
    before = keys[at - 1] if at else None
    after = keys[at + 1] if at + 1 < len(keys) else None
    return Neighbours(before, after, at + 1, count)


def _by_index(
    session: Session, meant: list[ColumnElement[bool]], item: Item, sort: Sort, count: int
) -> Neighbours:
    columns = columns_of(sort)
    here = tuple(getattr(item, column.key) for column in columns)
    if not _count(session, [*meant, Item.key == item.key]):
        return Neighbours(None, None, 0, count)
    earlier, later = tuple_(*columns) > here, tuple_(*columns) < here
    upwards = (column.asc() for column in columns)
    downwards = (column.desc() for column in columns)
    keys = select(Item.key).limit(1)
    return Neighbours(
        session.scalar(keys.where(*meant, earlier).order_by(*upwards)),
        session.scalar(keys.where(*meant, later).order_by(*downwards)),
        _count(session, [*meant, earlier]) + 1 if count <= MOST_COUNTED else 0,
        count,
    )


def _count(session: Session, meant: list[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count()).select_from(Item).where(*meant)) or 0
