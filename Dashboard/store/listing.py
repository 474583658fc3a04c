"""The worklist's questions: a stretch of a list by its numbers, lesions, thumbnails.

A list that is read by numbers shifts while others come; what has to stay true (`Store.page`) is
read by places.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import defer, joinedload

from Dashboard.store.filters import Filters, Order, ordered_by
from Dashboard.store.schema import Item, Lesion, Thumbnail
from Dashboard.store.store import CHUNK, Store

Asked = TypeVar("Asked", bound=Select[Any])
Span = tuple[Sequence[Item], int]


@dataclass(frozen=True)
class LesionVerdict:
    """The most urgent verdict of a lesion's assessments, and how many there are."""

    verdict: str
    count: int


def span(
    store: Store,
    owner: str,
    filters: Filters,
    order: Order = "urgent",
    descending: bool | None = None,
    start: int = 0,
    end: int = 100,
) -> Span:
    """The assessments from number `start` to before `end` of a list, and how many it has.

    Without what is long: answer and row.

    Raises:
        StoreUnavailable.
    """
    meant = (*filters.conditions(owner), *store.in_force())
    found = _hinted(select(Item.id).where(*meant), order)
    counted = _hinted(select(func.count()).select_from(Item).where(*meant), order)
    with store.place.database.reading() as session:
        ids = session.scalars(
            found.order_by(*ordered_by(order, descending)).offset(start).limit(end - start)
        ).all()
        total = session.scalar(counted) or 0
        short = (defer(Item.answer), defer(Item.row), joinedload(Item.lesion))
        rows = session.scalars(select(Item).where(Item.id.in_(ids)).options(*short)).all()
    places = {key: place for place, key in enumerate(ids)}
    return sorted(rows, key=lambda item: places[item.id]), total


def whole(
    store: Store,
    owner: str,
    filters: Filters,
    order: Order = "urgent",
    descending: bool | None = None,
) -> Iterator[Item]:
    """All of a list with the rows of the table, as it is now; in parts, so that memory stays small.

    Raises:
        StoreUnavailable: at once, where the store cannot be read.
    """
    found = _hinted(select(Item.id).where(*filters.conditions(owner), *store.in_force()), order)
    with store.place.database.reading() as session:
        ids = session.scalars(found.order_by(*ordered_by(order, descending))).all()

    def part(some: Sequence[int]) -> Iterator[Item]:
        meant = select(Item).where(Item.id.in_(some), *store.in_force())
        with store.place.database.reading() as session:
            long = (defer(Item.answer), joinedload(Item.lesion))
            items = {one.id: one for one in session.scalars(meant.options(*long))}
        return (items[key] for key in some if key in items)  # others are deleted meanwhile

    return (
        item for start in range(0, len(ids), CHUNK) for item in part(ids[start : start + CHUNK])
    )


def _hinted(query: Asked, order: Order) -> Asked:
    """Whatever the planner thinks: long columns are not read to find out which rows are meant."""
    index = "ix_assessments_urgent" if order == "urgent" else "ix_assessments_list"
    return query.with_hint(Item, f"INDEXED BY {index}", "sqlite")


def lesion_verdicts(
    store: Store, owner: str, lesions: Iterable[int]
) -> dict[int | None, LesionVerdict]:
    """Of lesions by their ids: the most urgent verdict of each.

    Raises:
        StoreUnavailable.
    """
    ids = sorted(set(lesions))
    if not ids:
        return {}
    meant = (Item.owner == owner, Item.lesion_id.in_(ids), *store.in_force())
    found = select(Item.lesion_id, Item.verdict, Item.risk).where(*meant).order_by(Item.risk)
    verdicts: dict[int | None, LesionVerdict] = {}
    with store.place.database.reading() as session:
        for lesion, verdict, _ in session.execute(found):
            known = verdicts.get(lesion)
            verdicts[lesion] = LesionVerdict(verdict, 1 + (known.count if known else 0))
    return verdicts


def lesion_names(store: Store, owner: str) -> Sequence[str]:
    """The pseudonyms that an owner has given.

    Raises:
        StoreUnavailable.
    """
    with store.place.database.reading() as session:
        named = select(Lesion.name).where(Lesion.owner == owner).order_by(Lesion.name)
        return session.scalars(named).all()


def kept_upload(store: Store, owner: str, upload: str) -> Item | None:
    """What is kept of an upload that came before, whether or not it is in the lists.

    Raises:
        StoreUnavailable.
    """
    with store.place.database.reading() as session:
        return session.scalar(select(Item).where(Item.owner == owner, Item.upload == upload))


def kept_thumbnail(store: Store, owner: str, key: str) -> bytes | None:
    """An assessment's picture made small, where it was when it was kept.

    Raises:
        StoreUnavailable.
    """
    meant = (Item.owner == owner, Item.key == key, *store.in_force())
    found = select(Thumbnail.data).join(Item, Item.picture_id == Thumbnail.picture_id)
    with store.place.database.reading() as session:
        return session.scalar(found.where(*meant))
