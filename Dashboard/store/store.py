"""The store: keeps assessments, lists, changes and deletes them, each for its owner alone.

An answer is given only after the rows are committed and the picture's file is in its place, so a
process may be killed at any moment: what was acknowledged is there, and of the rest at most a file
without a row is left, which is deleted at the next start, and now and then.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from Dashboard.assess.assessment import Assessment
from Dashboard.config import Config
from Dashboard.store.database import in_words
from Dashboard.store.deletion import (
    Deleted,
    delete_items,
    delete_orphans,
    delete_unused_lesions,
)
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.filters import Filters, Sort, columns_of, place_of, read_place
from Dashboard.store.items import lesion_of, new_item, own_words
from Dashboard.store.pictures import folder_of
from Dashboard.store.place import Place
from Dashboard.store.schema import Change, Item, Picture
from quality.formats import sniff

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
# How many assessments are in memory at once where all are asked for.
CHUNK = 500
UNKNOWN = "there is no such assessment"
TIDY_SECONDS = 60.0
# How often the folders are looked through for files that no row names.
FILES_EVERY = 60

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """A part of a list.

    total: of the whole list.
    next: where the next part begins; None: this was the last.
    """

    items: Sequence[Item]
    total: int
    next: str | None


class Store:
    """The store of one server; one object for all its processes, forked or not.

    now: the time.
    """

    def __init__(
        self, config: Config, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.config = config
        self.retention = config.retention_in_force
        self._now = now
        self._place: Place | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Open the store and tidy it up; before the fork, so that the processes share it.

        Raises:
            StoreUnavailable, StoreFull.
        """
        self.tidy()
        delete_orphans(self.place)
        self.place.database.close()  # a connection must not pass to another process

    def close(self) -> None:
        """Close the store; what is not durable is deleted."""
        with self._lock:
            if self._place is not None:
                self._place.close()
                self._place = None

    @property
    def place(self) -> Place:
        """Where everything lies, made and brought up to date where it is not yet.

        Raises:
            StoreUnavailable, StoreFull.
        """
        with self._lock:
            if self._place is None:
                with in_words():
                    place = Place(self.config)
                    try:
                        place.database.upgrade()
                    except BaseException:
                        place.close()
                        raise
                    self._place = place
            return self._place

    def require_room(self, size: int) -> None:
        """Refuse a picture of so many bytes before it is assessed, where there is no room for it.

        Raises:
            StoreFull, StoreUnavailable.
        """
        with in_words(), self.place.database.reading() as session:
            self.place.require_room(size, _bytes(session))

    def keep(self, owner: str, data: bytes, assessment: Assessment, file: str = "") -> Item:
        """Keep a picture and what came out for it.

        file: the picture's name.

        Raises:
            StoreFull, StoreUnavailable.
        """
        place = self.place
        sha256 = hashlib.sha256(data).hexdigest()
        with in_words(), place.pictures.staged(data) as staging:
            with place.database.writing(folder_of(owner)) as session:
                named = (Picture.owner == owner, Picture.sha256 == sha256)
                picture = session.scalar(select(Picture).where(*named))
                if picture is None:
                    place.require_room(len(data), _bytes(session))
                    kind = MEDIA_TYPES.get(sniff(data) or "", "application/octet-stream")
                    picture = Picture(owner=owner, sha256=sha256, media_type=kind, size=len(data))
                    place.pictures.place(owner, staging, sha256)
                item = new_item(assessment, file)
                item.key, item.owner, item.created = secrets.token_urlsafe(16), owner, self._now()
                item.picture = picture
                session.add(item)
            return item

    def page(
        self,
        owner: str,
        filters: Filters,
        *,
        sort: Sort = "newest",
        after: str | None = None,
        limit: int = 100,
    ) -> Page:
        """At most `limit` assessments, those that come after a place in the list.

        Raises:
            InputError: `after` is no place.
            StoreUnavailable.
        """
        with self.place.database.reading() as session:
            items = self._items(session, owner, filters, sort, after, limit + 1)
            counted = select(func.count()).select_from(Item)
            meant = (*filters.conditions(owner), *self._in_force())
            total = session.scalar(counted.where(*meant)) or 0
        more = len(items) > limit
        return Page(items[:limit], total, place_of(items[limit - 1], sort) if more else None)

    def all(self, owner: str, filters: Filters, sort: Sort = "newest") -> Iterator[Item]:
        """Every assessment of a list; read in parts, so that memory stays small.

        Raises:
            StoreUnavailable: at once, where the store cannot be read.
        """

        def part(after: str | None) -> Sequence[Item]:
            with self.place.database.reading() as session:
                return self._items(session, owner, filters, sort, after, CHUNK, rows=True)

        def items(found: Sequence[Item]) -> Iterator[Item]:
            while found:
                yield from found
                found = part(place_of(found[-1], sort)) if len(found) == CHUNK else ()

        return items(part(None))

    def get(self, owner: str, key: str) -> Item:
        """An assessment with its lesion, its picture's row and its history.

        Raises:
            UnknownItem, StoreUnavailable.
        """
        with self.place.database.reading() as session:
            return self._get(session, owner, key)

    def picture(self, owner: str, key: str) -> tuple[bytes, str]:
        """The file of an assessment's picture as it was handed in, and its media type.

        Raises:
            UnknownItem, StoreUnavailable.
        """
        item = self.get(owner, key)
        path = self.place.pictures.path(owner, item.picture.sha256)
        try:
            with in_words():
                return path.read_bytes(), item.picture.media_type
        except StoreUnavailable:
            if path.exists():
                raise
            raise UnknownItem(UNKNOWN) from None  # deleted meanwhile

    def change(self, owner: str, key: str, fields: Mapping[str, Any]) -> Item:
        """Change what a clinician says of an assessment, and remember what was said before.

        fields: of `clinician_verdict`, `note` and `flag` the new values; under `lesion` the columns
            of one, by whose name it is found or made, or None.

        Raises:
            UnknownItem, StoreFull, StoreUnavailable.
        """
        with self.place.database.writing(folder_of(owner)) as session:
            item = self._get(session, owner, key)
            before = own_words(item)
            for name, value in fields.items():
                if name == "lesion":
                    item.lesion = None if value is None else lesion_of(session, owner, value)
                else:
                    setattr(item, name, value)
            for name, value in own_words(item).items():
                if value != before[name]:
                    change = Change(created=self._now(), field=name, old=before[name], new=value)
                    item.changes.append(change)
            session.flush()
            delete_unused_lesions(session, owner)
            return item

    def delete(self, owner: str, key: str) -> Deleted:
        """Delete an assessment, and its picture where no other assessment of its owner has it.

        Raises:
            UnknownItem, StoreUnavailable.
        """
        deleted = delete_items(self.place, owner, Item.key == key, *self._in_force())
        if not deleted.count:
            raise UnknownItem(UNKNOWN)
        return deleted

    def delete_all(self, owner: str, lesion: str | None = None) -> Deleted:
        """Delete all assessments of an owner, or those of one lesion, with their pictures.

        Raises:
            StoreUnavailable.
        """
        return delete_items(self.place, owner, *Filters(lesion=lesion).conditions(owner))

    def tidy(self) -> None:
        """Delete what has been kept for as long as `RETENTION` says.

        Raises:
            StoreUnavailable.
        """
        if self.retention is None:
            return
        old = Item.created <= self._now() - self.retention
        with self.place.database.reading() as session:
            owners = session.scalars(select(Item.owner).where(old).distinct()).all()
        for owner in owners:
            delete_items(self.place, owner, old)
        self.place.database.scrub()

    def start_tidying(self) -> None:
        """Tidy up from a thread, for as long as this process lives."""
        threading.Thread(target=self._tidy_for_ever, daemon=True).start()

    def _tidy_for_ever(self) -> None:
        for number in count(1):
            time.sleep(TIDY_SECONDS)
            try:
                self.tidy()
                if number % FILES_EVERY == 0:
                    delete_orphans(self.place)
            except (StoreUnavailable, StoreFull) as error:
                logger.warning("the store was not tidied up: %s", error)

    def _in_force(self) -> list[ColumnElement[bool]]:
        """What has been kept for too long is gone, whether or not it has been deleted yet."""
        return [] if self.retention is None else [Item.created > self._now() - self.retention]

    def _items(
        self,
        session: Session,
        owner: str,
        filters: Filters,
        sort: Sort,
        after: str | None,
        limit: int,
        rows: bool = False,
    ) -> Sequence[Item]:
        """A part of a list without what is long.

        rows: with the rows of the table.
        """
        long = (defer(Item.answer), *(() if rows else (defer(Item.row),)))
        found = (
            select(Item)
            .where(*filters.conditions(owner), *self._in_force())
            .order_by(*(column.desc() for column in columns_of(sort)))
            .limit(limit)
            .options(joinedload(Item.lesion), *long)
        )
        if after is not None:
            found = found.where(tuple_(*columns_of(sort)) < read_place(after, sort))
        return session.scalars(found).all()

    def _get(self, session: Session, owner: str, key: str) -> Item:
        found = select(Item).where(Item.owner == owner, Item.key == key, *self._in_force())
        parts = (joinedload(Item.lesion), joinedload(Item.picture), selectinload(Item.changes))
        item = session.scalar(found.options(*parts))
        if item is None:
            raise UnknownItem(UNKNOWN)
        return item


def _bytes(session: Session) -> int:
    """Of all pictures."""
    return session.scalar(select(func.coalesce(func.sum(Picture.size), 0))) or 0
