"""Which assessments are meant, and where in their list one stands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from Dashboard.store.schema import Item, Lesion
from Dashboard.web.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PLACE = re.compile(r"(?:(\d\.\d{6})-)?(\d{1,16})-([A-Za-z0-9_-]{22})")
Sort = Literal["newest", "urgent"]
Order = Literal[
    "newest", "urgent", "file", "verdict", "code", "p_malignant", "certainty", "quality", "model"
]
DESCENDING = ("newest", "urgent", "p_malignant")
"""What is of use from its top down; texts begin with A."""

EQUAL = ("verdict", "code", "certainty", "quality", "model", "flag", "batch")
COLUMNS = {"newest": "created", "urgent": "risk", "file": "file_folded"}


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; None: not by this.

    since, until: from the first moment on, and before the second.
    text: part of a file's name, in any case.
    clinician_verdict: `open`: none was given yet.
    p_malignant_min, p_malignant_max: both count as within.
    batch: handed in together under this name.
    ids: those of these keys.
    """

    verdict: str | None = None
    code: str | None = None
    lesion: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    certainty: str | None = None
    quality: str | None = None
    model: str | None = None
    flag: bool | None = None
    clinician_verdict: str | None = None
    p_malignant_min: float | None = None
    p_malignant_max: float | None = None
    batch: str | None = None
    ids: Sequence[str] | None = None

    def conditions(self, owner: str) -> list[ColumnElement[bool]]:
        """For the rows of one owner."""
        found = [Item.owner == owner]
        for name in EQUAL:
            if (value := getattr(self, name)) is not None:
                found.append(getattr(Item, name) == value)
        if self.clinician_verdict == "open":
            found.append(Item.clinician_verdict.is_(None))
        elif self.clinician_verdict is not None:
            found.append(Item.clinician_verdict == self.clinician_verdict)
        if self.p_malignant_min is not None:
            found.append(Item.p_malignant >= self.p_malignant_min)
        if self.p_malignant_max is not None:
            found.append(Item.p_malignant <= self.p_malignant_max)
        if self.ids is not None:
            found.append(Item.key.in_(self.ids))
        if self.lesion is not None:
            named = select(Lesion.id).where(Lesion.owner == owner, Lesion.name == self.lesion)
            found.append(Item.lesion_id == named.scalar_subquery())
        if self.since is not None:
            found.append(Item.created >= self.since)
        if self.until is not None:
            found.append(Item.created < self.until)
        if self.text is not None:
            found.append(Item.file_folded.contains(self.text.casefold(), autoescape=True))
        return found


def ordered_by(order: Order, descending: bool | None = None) -> list[ColumnElement[Any]]:
    """What sorts a list that is read by numbers; what lacks the value comes last, equals by date.

    descending: None: as is of use, see `DESCENDING`.
    """
    column: InstrumentedAttribute[Any] = getattr(Item, COLUMNS.get(order, order))
    downwards = order in DESCENDING if descending is None else descending
    first = column.desc() if downwards else column.asc()
    if order == "newest":
        return [first, Item.key.desc() if downwards else Item.key.asc()]
    # Where every row has the value, an index in this order has all that is asked for.
    lacking = [column.is_(None)] if Item.__table__.c[column.key].nullable else []
    return [*lacking, first, Item.created.desc(), Item.key.desc()]


def columns_of(sort: Sort) -> tuple[InstrumentedAttribute[Any], ...]:
    """What a list is sorted by, downwards."""
    newest = (Item.created, Item.key)
    return newest if sort == "newest" else (Item.risk, *newest)


def place_of(item: Item, sort: Sort) -> str:
    """Where an assessment stands in a list, which stays true when others come and go."""
    newest = f"{(item.created - EPOCH) // MICROSECOND}-{item.key}"
    return newest if sort == "newest" else f"{item.risk:.6f}-{newest}"


def read_place(text: str, sort: Sort) -> tuple[Any, ...]:
    """Of the assessment at a place, the values of `columns_of`.

    Raises:
        InputError: 400: it is no place in a list that is sorted so.
    """
    found = PLACE.fullmatch(text)
    if not found or (found[1] is None) != (sort == "newest"):
        raise InputError("after must be the `next` of an answer to GET /assessments, sorted alike")
    newest = (EPOCH + int(found[2]) * MICROSECOND, found[3])
    return newest if sort == "newest" else (float(found[1]), *newest)
