"""Deleting: rows first and for good, then the files that no row names any more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from Dashboard.store.database import in_words
from Dashboard.store.errors import StoreFull
from Dashboard.store.explanation_rows import LOCK, PICTURE, remove_files
from Dashboard.store.pictures import PictureFiles, folder_of
from Dashboard.store.place import Place
from Dashboard.store.schema import Explanation, Item, Lesion, Picture

# SQLite takes some thousand values in a statement.
CHUNK = 500
Conditions = tuple[ColumnElement[bool], ...]


@dataclass(frozen=True)
class Deleted:
    """How many assessments were deleted, and the SHA-256 of pictures that their owner had."""

    count: int
    pictures: frozenset[str]


def delete_items(place: Place, owner: str, *conditions: ColumnElement[bool]) -> Deleted:
    """Delete those assessments of an owner, and pictures and lesions that no other one has.

    Explanations go with them.

    Raises:
        StoreFull, StoreUnavailable.
    """
    meant = (Item.owner == owner, *conditions)
    try:
        return _delete(place, owner, meant)
    except StoreFull:  # the database has no room even to say what is gone
        _remove_files(place, owner, meant)
        return _delete(place, owner, meant)


def _delete(place: Place, owner: str, meant: Conditions) -> Deleted:
    lock = folder_of(owner)
    gone: dict[int, str] = {}
    with place.database.writing(lock) as session:
        pictures = session.scalars(select(Item.picture_id).where(*meant).distinct()).all()
        count = session.scalar(select(func.count()).select_from(Item).where(*meant)) or 0
        explained = session.scalars(select(Explanation.key).join(Item).where(*meant)).all()
        session.execute(delete(Item).where(*meant))
        for ids in _chunks(pictures):
            unused = ~exists().where(Item.picture_id == Picture.id)
            found = select(Picture.id, Picture.sha256).where(Picture.id.in_(ids), unused)
            gone |= {row.id: row.sha256 for row in session.execute(found)}
        for ids in _chunks(list(gone)):
            session.execute(delete(Picture).where(Picture.id.in_(ids)))
        delete_unused_lesions(session, owner)
    remove_files(place, ((owner, key) for key in explained))
    # In the lock again: the same picture may have come once more.
    hashes = set(gone.values())
    with in_words(), place.database.writing(lock) as session:
        hashes -= _held(session, owner, hashes)
        for sha256 in hashes:
            place.pictures.remove(owner, sha256)
    place.database.scrub()
    return Deleted(count, frozenset(hashes))


def _remove_files(place: Place, owner: str, meant: Conditions) -> None:
    """Delete the pictures that no assessment but those that are meant has."""
    other = aliased(Item)
    used = exists().where(
        other.picture_id == Picture.id, other.id.not_in(select(Item.id).where(*meant))
    )
    found = select(Picture.sha256).where(
        Picture.id.in_(select(Item.picture_id).where(*meant)), ~used
    )
    with place.database.reading() as session:
        explained = session.scalars(select(Explanation.key).join(Item).where(*meant))
        remove_files(place, ((owner, key) for key in explained))
        for sha256 in session.scalars(found):
            place.pictures.remove(owner, sha256)


def delete_unused_lesions(session: Session, owner: str) -> None:
    """Delete the lesions of an owner that no assessment is of."""
    used = exists().where(Item.lesion_id == Lesion.id)
    session.execute(delete(Lesion).where(Lesion.owner == owner, ~used))


def delete_orphans(place: Place) -> None:
    """Delete files that no row names: their writers were killed.

    Raises:
        StoreUnavailable.
    """
    tables: tuple[tuple[PictureFiles, str | None, Any, Any], ...] = (
        (place.pictures, None, Picture.owner, Picture.sha256),
        (place.maps, LOCK, Explanation.owner, Explanation.key),
    )
    with in_words():
        for files, lock, owners, names in tables:
            for folder in files.folders():
                listed = list(folder.iterdir())
                with place.database.writing(lock or folder.name) as session:
                    found = session.scalars(select(owners).distinct())
                    owner = next((one for one in found if folder_of(one) == folder.name), None)
                    known = set(session.scalars(select(names).where(owners == owner)))
                    for file in listed:
                        if file.name.removesuffix(PICTURE) not in known:
                            file.unlink(missing_ok=True)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _held(session: Session, owner: str, hashes: set[str]) -> set[str]:
    """Those of the hashes of which an owner has a picture."""
    found: set[str] = set()
    for some in _chunks(sorted(hashes)):
        held = select(Picture.sha256).where(Picture.owner == owner, Picture.sha256.in_(some))
        found.update(session.scalars(held))
    return found
