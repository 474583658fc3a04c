"""What is kept, as a data set that `python -m retraining prepare` reads.

A zip archive, made while it is sent: `images/` with the pictures as they were handed in, each once,
and `metadata.csv`. File names, notes and whose it is stay here; a picture is named by its content,
so that the same one has the same name in every export.
"""

import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from Dashboard.proven.histology import understood
from Dashboard.store.database import in_words
from Dashboard.store.errors import StoreUnavailable
from Dashboard.store.schema import Item, Lesion, Picture
from Dashboard.store.store import Store
from quality.output import csv_lines

COLUMNS = (
    "image_id", "lesion_id", "dx", "dx_type", "age", "sex", "localization", "histology",
)  # fmt: skip
SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
}


def export(store: Store, owner: str, *, all_pictures: bool = False) -> Iterator[bytes]:
    """The archive's bytes, in parts; at most one picture is in memory at a time.

    all_pictures: those without a histology, too, their `dx` empty: to be labelled elsewhere.
        Otherwise those alone whose histology is one of the seven classes.

    Raises:
        StoreUnavailable, StoreFull: at once, where the store cannot be read.
    """
    rows = [row for row in _rows(store, owner) if all_pictures or _code(row)]
    return _archive(store, owner, rows)


class _Sink:
    """What an archive is written to, and what was written since the last look."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere."""

    def taken(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def _archive(store: Store, owner: str, rows: Sequence[Any]) -> Iterator[bytes]:
    sink = _Sink()
    kept = []
    # Pictures are compressed already.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for row in rows:
            name = _name(row)
            try:
                with in_words():
                    data = store.place.pictures.path(owner, row.sha256).read_bytes()
            except StoreUnavailable:  # deleted meanwhile
                continue
            archive.writestr(f"images/{name}{SUFFIXES.get(row.media_type, '')}", data)
            kept.append(_line(name, row))
            yield sink.taken()
        archive.writestr("metadata.csv", "".join(csv_lines(COLUMNS, kept)))
    yield sink.taken()


def _rows(store: Store, owner: str) -> Sequence[Any]:
    """A row for each picture, of the assessment that was the last to be given a lesion."""
    of = aliased(Lesion)
    found = (
        select(
            Picture.id, Picture.sha256, Picture.media_type,
            of.name, of.histology, of.age_band, of.sex, of.body_site,
        )
        .join(Item, Item.picture_id == Picture.id)
        .outerjoin(of, Item.lesion_id == of.id)
        .where(Item.owner == owner, *store.in_force())
        .order_by(Item.created, Item.id)
    )  # fmt: skip
    rows: dict[int, Any] = {}
    with store.place.database.reading() as session:
        for row in session.execute(found):
            if row.name is not None or row.id not in rows:
                rows[row.id] = row
    return list(rows.values())


def _name(row: Any) -> str:
    return f"picture_{row.sha256[:16]}"


def _code(row: Any) -> str | None:
    diagnosis = understood(row.histology or "")
    return diagnosis.code if diagnosis else None


def _line(name: str, row: Any) -> dict[str, Any]:
    code = _code(row)
    return {
        "image_id": name,
        "lesion_id": row.name or name,
        "dx": code or "",
        "dx_type": "histo" if code else "",
        "age": _age(row.age_band),
        "sex": row.sex or "",
        "localization": row.body_site or "",
        "histology": row.histology or "",
    }


def _age(band: str | None) -> str:
    """The middle of a band, as HAM10000 gives ages: to five years.

    >>> _age("50-59"), _age("0-9"), _age("80+"), _age(None)
    ('55', '5', '85', '')
    """
    return str(int(band.rstrip("+").partition("-")[0]) + 5) if band else ""
