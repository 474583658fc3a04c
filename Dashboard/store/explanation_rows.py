"""Explanations as rows: each asked for once, worked on by one worker at a time, seen by its owner.

A worker has a row for as long as it renews its lease. One that ran out is given to another worker,
so a worker may be killed at any moment; and one that nobody asks for any more is cancelled.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from Dashboard.store.database import in_words
from Dashboard.store.errors import StoreFull, TooMany, UnknownExplanation
from Dashboard.store.place import Place
from Dashboard.store.schema import Explanation, Item, Picture

LOCK = "explanations"
OPEN = ("queued", "running")
KEEP = timedelta(minutes=15)
# Explanations that wait for a worker or are with one: of all, and of one address.
MOST_OPEN, MOST_OF_ONE = 24, 12
CANCELLED = "the explanation was cancelled"
UNWANTED = "the explanation was cancelled, because nobody asked for it any more"
PICTURE = ".picture"
# What an equal request cannot be answered with is found by none.
ENDED: dict[str, Any] = {"request": None, "worker": None, "lease": None}
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class ExplanationRows:
    """The explanations of one store.

    place: where it lies, opened when it is first asked for.
    now: the time.
    """

    def __init__(self, place: Callable[[], Place], now: Callable[[], datetime]) -> None:
        self._place, self.now = place, now

    @property
    def place(self) -> Place:
        """Where the files lie."""
        return self._place()

    def put(
        self, values: Mapping[str, Any], picture: bytes | None = None
    ) -> tuple[Explanation, bool]:
        """The row of a request, and whether it is new: an equal one of its owner is taken instead.

        values: of the columns that say what is asked for, and by whom.
        picture: the file, where it is that of no kept assessment.

        Raises:
            TooMany, StoreFull, StoreUnavailable.
        """
        place, now = self.place, self.now()
        key = secrets.token_urlsafe(16)
        wanted = now + timedelta(seconds=values["patience"])
        open_ones = select(func.count()).where(IS_OPEN).select_from(Explanation)
        of_one = open_ones.where(Explanation.address == values["address"])
        insert = _INSERT[place.database.engine.dialect.name]
        statement = insert(Explanation).values(
            key=key, created=now, wanted_until=wanted, turn=of_one.scalar_subquery(),
            state="queued", fraction=0.0, tries=0, result={}, size=len(picture or b""), **values,
        )  # fmt: skip
        if picture is not None:
            self.make_room(len(picture))
        with in_words(), ExitStack() as held:
            staging = held.enter_context(place.maps.staged(picture)) if picture else None
            named = [getattr(Explanation, name) == values[name] for name in ("owner", "request")]
            with place.database.writing(LOCK) as session:
                over = update(Explanation).where(*named, Explanation.expires <= now)
                session.execute(over.values(request=None))
                session.execute(statement.on_conflict_do_nothing())
                row = session.scalars(select(Explanation).where(*named)).one()
                if row.key != key:
                    row.patience = max(row.patience, values["patience"])
                    row.wanted_until = max(row.wanted_until, wanted)
                    return row, False
                _require_turn(session.scalar(open_ones) or 0, session.scalar(of_one) or 0)
                if staging is not None:
                    place.maps.place(row.owner, staging, row.key + PICTURE)
            return row, True

    def look(self, owner: str, key: str) -> Explanation:
        """A row of an owner, who waits for it: it goes on for as long as somebody looks.

        Raises:
            UnknownExplanation, StoreUnavailable.
        """
        database, now = self.place.database, self.now()
        with database.reading() as session:
            row = session.scalar(select(Explanation).where(*self._mine(owner, key)))
        if row is None:
            raise UnknownExplanation
        wanted = now + timedelta(seconds=row.patience)
        if row.state in OPEN and row.wanted_until < wanted - timedelta(seconds=1):
            self.change(key, IS_OPEN, wanted_until=wanted)
        return row

    def of_item(self, item: Item) -> list[Explanation]:
        """Those of a kept assessment that wait, run or are done, the oldest first.

        Raises:
            StoreUnavailable.
        """
        with self.place.database.reading() as session:
            meant = (Explanation.item_id == item.id, Explanation.state.in_((*OPEN, "done")))
            found = select(Explanation).where(*meant, self.in_force()).order_by(Explanation.id)
            return list(session.scalars(found))

    def cancel(self, owner: str, key: str) -> Explanation:
        """Stop one that waits or runs; delete one that is over. As `look`."""
        row = self.look(owner, key)
        if row.state in OPEN and self.end(key, "cancelled", CANCELLED, IS_OPEN):
            row.state, row.error = "cancelled", CANCELLED
        else:
            self._delete(Explanation.key == key)
        return row

    def adopt(self, key: str, item: Item, request: str, expires: datetime | None) -> None:
        """Let one go with a kept assessment of its owner from now on, found by `request`.

        Raises:
            StoreUnavailable.
        """
        place, beside = self.place, {"request": request, "expires": expires}
        with place.database.writing(LOCK) as session:
            _change(session, key, Explanation.owner == item.owner, item_id=item.id, **beside)
        place.maps.remove(item.owner, key + PICTURE)

    def ahead(self, row: Explanation) -> float:
        """Seconds that those are expected to take that come before one that waits.

        Raises:
            StoreUnavailable.
        """
        before = (Explanation.turn < row.turn) | (
            (Explanation.turn == row.turn) & (Explanation.id < row.id)
        )
        meant = (Explanation.lane == row.lane, IS_OPEN, before | (Explanation.state == "running"))
        left = Explanation.estimate * (1 - Explanation.fraction)
        with self.place.database.reading() as session:
            return float(session.scalar(select(func.sum(left)).where(*meant)) or 0.0)

    def measured(self) -> dict[tuple[str, str, str], float]:
        """Seconds that explanations took here, by model, method and precision: their mean.

        Raises:
            StoreUnavailable.
        """
        by = (Explanation.model, Explanation.method, Explanation.precision)
        mean = select(*by, func.avg(Explanation.seconds)).group_by(*by)
        with self.place.database.reading() as session:
            found = session.execute(mean.where(Explanation.seconds.is_not(None)))
            return {(model, method, precision): mean for model, method, precision, mean in found}

    def picture(self, row: Explanation) -> bytes | None:
        """The picture's file; None where it has been deleted.

        Raises:
            StoreUnavailable.
        """
        place = self.place
        path = place.maps.path(row.owner, row.key + PICTURE)
        if row.item_id is not None:
            of_item = select(Picture.sha256).join(Item).where(Item.id == row.item_id)
            with place.database.reading() as session:
                path = place.pictures.path(row.owner, session.scalar(of_item) or "")
        return path.read_bytes() if path.is_file() else None

    def map(self, row: Explanation) -> bytes | None:
        """The map of one that is done, a .npy file; None where it has been deleted."""
        path = self.place.maps.path(row.owner, row.key)
        return path.read_bytes() if path.is_file() else None

    def make_room(self, size: int) -> None:
        """Let maps go until there is room for so many bytes: of who has most, the oldest first.

        Raises:
            StoreFull: they would not be enough.
            StoreUnavailable.
        """
        place = self.place
        share = func.sum(Explanation.size).over(partition_by=Explanation.owner)
        done = select(Explanation.key).where(Explanation.state == "done")
        while True:
            with in_words(), place.database.reading() as session:
                try:
                    return place.require_room(size, partial(stored_bytes, session))
                except StoreFull:
                    oldest = done.order_by(share.desc(), Explanation.finished).limit(1)
                    key = session.scalar(oldest)
                    if key is None:
                        raise
            self._delete(Explanation.key == key)

    def tidy(self) -> None:
        """Delete what has been there for as long as it may.

        Raises:
            StoreUnavailable.
        """
        self._delete(Explanation.expires <= self.now())

    def delete_all(self, owner: str) -> None:
        """Delete all of an owner.

        Raises:
            StoreUnavailable.
        """
        self._delete(Explanation.owner == owner)

    def _delete(self, *meant: ColumnElement[bool]) -> None:
        place = self.place
        with place.database.writing(LOCK) as session:
            named = select(Explanation.owner, Explanation.key).where(*meant)
            gone = [(owner, key) for owner, key in session.execute(named)]
            if gone:
                session.execute(delete(Explanation).where(*meant))
        remove_files(place, gone)

    def end(self, key: str, state: str, sentence: str, *meant: ColumnElement[bool]) -> bool:
        """Whether the row was as meant; then it has no picture of its own any more."""
        place, now = self.place, self.now()
        ended = {**ENDED, "state": state, "error": sentence, "expires": now + KEEP, "size": 0}
        with place.database.writing(key) as session:
            done = _change(session, key, *meant, **ended)
            owner = session.scalar(select(Explanation.owner).where(Explanation.key == key))
        if done and owner is not None:
            place.maps.remove(owner, key + PICTURE)
        return done

    def change(self, key: str, *meant: ColumnElement[bool], **values: Any) -> bool:
        """Set columns of a row, where it is as meant; whether it was."""
        with self.place.database.writing(key) as session:
            return _change(session, key, *meant, **values)

    def in_force(self) -> ColumnElement[bool]:
        """What has been there for as long as it may is gone, deleted yet or not."""
        return or_(Explanation.expires.is_(None), Explanation.expires > self.now())

    def _mine(self, owner: str, key: str) -> tuple[ColumnElement[bool], ...]:
        return Explanation.owner == owner, Explanation.key == key, self.in_force()


IS_OPEN = Explanation.state.in_(OPEN)


def remove_files(place: Place, gone: Iterable[tuple[str, str]]) -> None:
    """Delete the files of explanations, by owner and key."""
    with in_words():
        for owner, key in gone:
            for name in (key, key + PICTURE):
                place.maps.remove(owner, name)


def stored_bytes(session: Session) -> int:
    """Of all pictures and maps."""
    sums = (select(func.sum(one.size)).scalar_subquery() for one in (Picture, Explanation))
    return sum(size or 0 for size in session.execute(select(*sums)).one())


def _change(session: Session, key: str, *meant: ColumnElement[bool], **values: Any) -> bool:
    changed = update(Explanation).where(Explanation.key == key, *meant).values(**values)
    found: Any = session.execute(changed.execution_options(synchronize_session=False))
    return bool(found.rowcount)


def _require_turn(open_ones: int, of_one: int) -> None:
    """Refuse one more where too many wait, itself included.

    Raises:
        TooMany.
    """
    if open_ones > MOST_OPEN:
        raise TooMany("too many explanations are waiting; try again in a minute")
    if of_one > MOST_OF_ONE:
        raise TooMany(
            f"{MOST_OF_ONE} of your explanations are waiting, the most that may; "
            "try again when one is done"
        )
