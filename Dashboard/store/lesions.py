"""Lesions: each as one, by the most urgent of its pictures' verdicts, and as a series over time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, defer, joinedload

from Dashboard.store.errors import UnknownItem
from Dashboard.store.items import LESION_FIELDS
from Dashboard.store.schema import Item, Lesion
from Dashboard.store.store import Store
from Dashboard.web.errors import InputError

UNKNOWN = "there is no such lesion"
PLACE = re.compile(r"(\d\.\d{6})-(.{1,64})")


@dataclass(frozen=True)
class LesionSeries:
    """A lesion and its assessments, the first one first, without answers and rows."""

    lesion: Lesion
    items: Sequence[Item]

    @property
    def urgent(self) -> Item:
        """The assessment whose verdict is the lesion's: the most urgent, of equals the latest."""
        return max(self.items, key=lambda item: (item.risk, item.seen))

    @property
    def said(self) -> Item | None:
        """The latest picture of which a clinician has given a verdict."""
        return next((item for item in reversed(self.items) if item.clinician_verdict), None)

    def to_dict(self) -> dict[str, Any]:
        """As a list shows it."""
        urgent, said, latest = self.urgent, self.said, self.items[-1]
        return {name: getattr(self.lesion, name) for name in LESION_FIELDS} | {
            "count": len(self.items),
            "first": date_of(self.items[0]),
            "last": date_of(latest),
            "latest": latest.key,
            "verdict": urgent.verdict,
            "message": urgent.message,
            "verdict_of": urgent.key,
            "clinician_verdict": said and said.clinician_verdict,
            "clinician_verdict_of": said and said.key,
        }


@dataclass(frozen=True)
class LesionPage:
    """A part of the list of lesions; `total` of the whole; `next`: where it goes on, or None."""

    lesions: Sequence[LesionSeries]
    total: int
    next: str | None


def lesion_page(
    store: Store, owner: str, *, after: str | None = None, limit: int = 100
) -> LesionPage:
    """Lesions of an owner, the most urgent first, then by name.

    Raises:
        InputError: `after` is no place in the list.
        StoreUnavailable.
    """
    meant = (Item.owner == owner, Item.lesion_id.is_not(None), *store.in_force())
    risk = func.max(Item.risk)
    found = select(Lesion, risk).join(Item, Item.lesion_id == Lesion.id).where(*meant)
    found = found.group_by(Lesion.id).order_by(risk.desc(), Lesion.name).limit(limit + 1)
    if after is not None:
        place = PLACE.fullmatch(after)
        if place is None:
            raise InputError("after must be the `next` of an answer to GET /lesions")
        least, name = float(place[1]), place[2]
        found = found.having(or_(risk < least, and_(risk == least, Lesion.name > name)))
    counted = select(func.count(Item.lesion_id.distinct())).where(*meant)
    with store.place.database.reading() as session:
        rows = session.execute(found).all()
        items = _items(session, store, owner, [lesion.id for lesion, _ in rows[:limit]])
        total = session.scalar(counted) or 0
    # What came or went between the two questions is of the next answer.
    lesions = [LesionSeries(one, items[one.id]) for one, _ in rows[:limit] if one.id in items]
    last = rows[limit - 1] if len(rows) > limit else None
    return LesionPage(lesions, total, last and f"{last[1]:.6f}-{last[0].name}")


def lesion_series(store: Store, owner: str, name: str) -> LesionSeries:
    """A lesion by its name, with all its assessments.

    Raises:
        UnknownItem: the owner has none of this name.
        StoreUnavailable.
    """
    with store.place.database.reading() as session:
        named = select(Lesion).where(Lesion.owner == owner, Lesion.name == name)
        lesion = session.scalar(named)
        items = {} if lesion is None else _items(session, store, owner, [lesion.id])
    if lesion is None or lesion.id not in items:
        raise UnknownItem(UNKNOWN)
    return LesionSeries(lesion, items[lesion.id])


def date_of(item: Item) -> str:
    """When a picture was taken, else when it was kept, ISO 8601."""
    return (item.taken or item.created).isoformat()


def _items(
    session: Session, store: Store, owner: str, lesions: Sequence[int]
) -> dict[int, list[Item]]:
    """Assessments of lesions by these ids, in order of time."""
    meant = (Item.owner == owner, Item.lesion_id.in_(lesions), *store.in_force())
    short = (defer(Item.answer), defer(Item.row), joinedload(Item.lesion), joinedload(Item.picture))
    series: dict[int, list[Item]] = {}
    for item in session.scalars(select(Item).where(*meant).options(*short)):
        series.setdefault(item.lesion_id or 0, []).append(item)
    for items in series.values():
        items.sort(key=lambda item: (item.seen, item.created, item.id))
    return series
