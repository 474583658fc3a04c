"""Which assessments stand before and after one in a list."""

from dataclasses import dataclass

from sqlalchemy import select

from Dashboard.store.filters import Filters, Order, ordered_by
from Dashboard.store.schema import Item
from Dashboard.store.store import Store


@dataclass(frozen=True)
class Neighbours:
    """The keys before and after one in a list.

    place: from 1; 0: the list does not hold it.
    count: how many it holds.
    """

    before: str | None
    after: str | None
    place: int
    count: int


def neighbours(
    store: Store,
    owner: str,
    key: str,
    filters: Filters,
    order: Order,
    descending: bool | None = None,
) -> Neighbours:
    """Where an assessment stands in a list.

    Raises:
        StoreUnavailable.
    """
    meant = (*filters.conditions(owner), *store.in_force())
    found = select(Item.key).where(*meant).order_by(*ordered_by(order, descending))
    with store.place.database.reading() as session:
        keys = session.scalars(found).all()
    if key not in keys:
        return Neighbours(None, None, 0, len(keys))
    at = keys.index(key)
    before = keys[at - 1] if at else None
    after = keys[at + 1] if at + 1 < len(keys) else None
    return Neighbours(before, after, at + 1, len(keys))
