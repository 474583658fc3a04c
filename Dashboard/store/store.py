"""The store: keeps assessments, lists, changes and deletes them, each for its owner alone.

An answer is given only after the rows are committed and the picture's file is in its place, so a
process may be killed at any moment: what was acknowledged is there, and of the rest at most a file
without a row is left, which is deleted at the next start, and now and then.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from Dashboard.assess.assessment import Assessment
from Dashboard.store.database import in_words
from Dashboard.store.deletion import Deleted, delete_items, delete_unused_lesions
from Dashboard.store.errors import StoreUnavailable, UnknownItem
from Dashboard.store.explanation_rows import stored_bytes
from Dashboard.store.filters import Filters, Sort, columns_of, place_of, read_place
from Dashboard.store.items import lesion_of, new_item, own_words
from Dashboard.store.pictures import folder_of
from Dashboard.store.schema import Change, Item, Lesion, Picture, Thumbnail
from Dashboard.store.upkeep import Upkeep
from quality.formats import sniff
from quality.scale import pixels_per_mm
from quality.taken import taken

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
# How many assessments are in memory at once where many are asked for.
CHUNK = 500
UNKNOWN = "there is no such assessment"


@dataclass(frozen=True)
class Page:
    """A part of a list.

    total: of the whole list.
    next: where the next part begins; None: this was the last.
    """

    items: Sequence[Item]
    total: int
    next: str | None


class Store(Upkeep):
    """The store of one server; one object for all its processes, forked or not."""

    def require_room(self, size: int) -> None:
        """Refuse a picture of so many bytes before it is assessed, where there is no room for it.

        Raises:
            StoreFull, StoreUnavailable.
        """
        self.explanations.make_room(size)

    def keep(
        self, owner: str, data: bytes, assessment: Assessment, file: str = "", **beside: Any
    ) -> Item:
        """Keep a picture and what came out for it; of an `upload` that is kept, what there is.

        file: the picture's name.
        beside: `batch`, `upload` and `lesion_id` of the assessment; `taken` and `pixels_per_mm`
            where they are not to be read from the file.

        Raises:
            StoreFull, StoreUnavailable.
        """
        place = self.place
        sha256 = hashlib.sha256(data).hexdigest()
        with in_words(), place.pictures.staged(data) as staging:
            with place.database.writing(folder_of(owner)) as session:
                if (known := uploaded(session, owner, beside.get("upload"))) is not None:
                    return known
                named = (Picture.owner == owner, Picture.sha256 == sha256)
                picture = session.scalar(select(Picture).where(*named))
                if picture is None:
                    place.require_room(len(data), partial(stored_bytes, session))
                    kind = MEDIA_TYPES.get(sniff(data) or "", "application/octet-stream")
                    picture = Picture(owner=owner, sha256=sha256, media_type=kind, size=len(data))
                    place.pictures.place(owner, staging, sha256)
                item = new_item(assessment, file)
                item.key, item.owner, item.created = secrets.token_urlsafe(16), owner, self.now()
                item.picture = picture
                item.taken = beside["taken"] if "taken" in beside else taken(data)
                item.pixels_per_mm = (
                    beside["pixels_per_mm"] if "pixels_per_mm" in beside else pixels_per_mm(data)
                )
                item.batch, item.upload = beside.get("batch"), beside.get("upload")
                if (lesion_id := beside.get("lesion_id")) is not None:
                    item.lesion = session.get(Lesion, lesion_id)
                session.add(item)
                if assessment.thumbnail is not None:
                    session.flush()
                    session.merge(Thumbnail(picture_id=picture.id, data=assessment.thumbnail))
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
            meant = (*filters.conditions(owner), *self.in_force())
            total = session.scalar(counted.where(*meant)) or 0
        more = len(items) > limit
        return Page(items[:limit], total, place_of(items[limit - 1], sort) if more else None)

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

        fields: of `clinician_verdict`, `note`, `flag`, `taken` and `pixels_per_mm` the new
            values; under `lesion` the columns of one, by whose name it is found or made, or None.

        Raises:
            UnknownItem, StoreFull, StoreUnavailable.
        """
        with self.place.database.writing(folder_of(owner)) as session:
            item = self._get(session, owner, key)
            self._set(session, item, fields)
            session.flush()
            delete_unused_lesions(session, owner)
            return item

    def change_many(
        self,
        owner: str,
        keys: Sequence[str],
        fields: Mapping[str, Any],
        *,
        removed: bool | None = None,
    ) -> list[str]:
        """The same for several at once; those that are not there are passed over.

        removed: True: take them out of the lists, to be deleted in half a minute; False: put back
            those that are out.

        Returns:
            The keys of those that are there.

        Raises:
            StoreFull, StoreUnavailable.
        """
        there = self.in_force(removed=removed is False)
        found: list[str] = []
        with self.place.database.writing(folder_of(owner)) as session:
            for some in (keys[n : n + CHUNK] for n in range(0, len(keys), CHUNK)):
                meant = select(Item).where(Item.owner == owner, Item.key.in_(some), *there)
                parts = (joinedload(Item.lesion), selectinload(Item.changes))
                for item in session.scalars(meant.options(*parts)):
                    self._set(session, item, fields)
                    if removed is not None:
                        item.removed = self.now() if removed else None
                    found.append(item.key)
            session.flush()
            delete_unused_lesions(session, owner)
        return found

    def _set(self, session: Session, item: Item, fields: Mapping[str, Any]) -> None:
        """Set what a clinician says, and remember what was said before."""
        before = own_words(item)
        for name, value in fields.items():
            if name == "lesion":
                item.lesion = None if value is None else lesion_of(session, item.owner, value)
            else:
                setattr(item, name, value)
        for name, value in own_words(item).items():
            if value != before[name]:
                change = Change(created=self.now(), field=name, old=before[name], new=value)
                item.changes.append(change)

    def delete(self, owner: str, key: str) -> Deleted:
        """Delete an assessment, and its picture where no other assessment of its owner has it.

        Raises:
            UnknownItem, StoreUnavailable.
        """
        deleted = delete_items(self.place, owner, Item.key == key, *self.in_force())
        if not deleted.count:
            raise UnknownItem(UNKNOWN)
        return deleted

    def delete_all(self, owner: str, lesion: str | None = None) -> Deleted:
        """Delete all assessments of an owner, or those of one lesion, with their pictures.

        Raises:
            StoreUnavailable.
        """
        deleted = delete_items(self.place, owner, *Filters(lesion=lesion).conditions(owner))
        if lesion is None:
            self.explanations.delete_all(owner)
        return deleted

    def _items(
        self,
        session: Session,
        owner: str,
        filters: Filters,
        sort: Sort,
        after: str | None,
        limit: int,
    ) -> Sequence[Item]:
        """A part of a list without what is long."""
        found = (
            select(Item)
            .where(*filters.conditions(owner), *self.in_force())
            .order_by(*(column.desc() for column in columns_of(sort)))
            .limit(limit)
            .options(joinedload(Item.lesion), defer(Item.answer), defer(Item.row))
        )
        if after is not None:
            found = found.where(tuple_(*columns_of(sort)) < read_place(after, sort))
        return session.scalars(found).all()

    def _get(self, session: Session, owner: str, key: str) -> Item:
        found = select(Item).where(Item.owner == owner, Item.key == key, *self.in_force())
        parts = (joinedload(Item.lesion), joinedload(Item.picture), selectinload(Item.changes))
        item = session.scalar(found.options(*parts))
        if item is None:
            raise UnknownItem(UNKNOWN)
        return item


def uploaded(session: Session, owner: str, upload: str | None) -> Item | None:
    """What is kept of an upload that came before."""
    if upload is None:
        return None
    return session.scalar(select(Item).where(Item.owner == owner, Item.upload == upload))
