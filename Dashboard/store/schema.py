"""The tables of the store. A change here needs a migration in `Dashboard/store/migrations/`.

`owner` says whose a row is: one visitor's session. Rows of one owner never refer to another's.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAME_CHARACTERS = 64
FILE_CHARACTERS = 512
NOTE_CHARACTERS = 4000
# What an assessment is listed by, beside its owner and its time.
LISTED = (
    "risk", "verdict", "code", "p_malignant", "certainty", "quality", "model", "lesion_id", "flag",
    "clinician_verdict", "batch", "removed", "file_folded",
)  # fmt: skip


class Moment(TypeDecorator[datetime]):
    """A point in time in UTC; SQLite, which keeps no time zones, has it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    # Databases name what has no name each in a way of its own, and a migration has to find it.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, Any: JSON}  # noqa: RUF012


class Picture(Base):
    """A picture that somebody handed in, once for each owner; its bytes lie in a file.

    sha256: of the file, by which it is addressed.
    size: of the file, in bytes.
    """

    __tablename__ = "pictures"
    __table_args__ = (UniqueConstraint("sha256", "owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(32))
    size: Mapped[int]


class Thumbnail(Base):
    """A picture made small, a JPEG file; a table of its own, as most queries have no use for it."""

    __tablename__ = "thumbnails"

    picture_id: Mapped[int] = mapped_column(
        ForeignKey(Picture.id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    data: Mapped[bytes]


class Lesion(Base):
    """A lesion by its pseudonym, and what is known of where it is and whose.

    histology: what the pathologist found, later.
    """

    __tablename__ = "lesions"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    body_site: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    age_band: Mapped[str | None] = mapped_column(String(8))
    sex: Mapped[str | None] = mapped_column(String(8))
    histology: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))


class Item(Base):
    """An assessment that is kept, and what a clinician made of it.

    key: its address, random.
    file: the picture's name as it was given; `file_folded`: for finding it in any case.
    risk: to sort by, see `Dashboard.store.items.risk`.
    verdict to version: of the answer, for lists and filters; `quality`: verdict of the gate.
    answer: all that the API answered.
    row: of the table that every CSV file of the dashboard is.
    clinician_verdict, note, flag: the clinician's own.
    pixels_per_mm: the picture's scale, at first as its file says.
    batch: names what was handed in together; `upload`: one picture's way in, so that what is sent
        once more is not kept twice.
    removed: when it was taken out of the list, to be deleted soon; until then it may come back.
    taken_at, taken_offset: of `taken`; for sorting, a time without an offset counts as UTC.
    """

    __tablename__ = "assessments"
    # Of each list a page is read off an index, and whatever else a list is narrowed to or sorted by
    # is looked for in one that holds it all, so that the long columns are read for a page alone. By
    # urgency a list is read from any place: there nothing is sorted.
    __table_args__ = (
        Index("ix_assessments_list", "owner", "created", "key", *LISTED),
        Index("ix_assessments_urgent", "owner", "risk", "created", "key", *LISTED[1:]),
        Index(None, "owner", "verdict", "created", "key"),
        Index(None, "owner", "code", "created", "key"),
        Index(None, "created"),
        Index(None, "removed"),
        Index("uq_assessments_owner_upload", "owner", "upload", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    owner: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime]
    picture_id: Mapped[int] = mapped_column(ForeignKey(Picture.id), index=True)
    lesion_id: Mapped[int | None] = mapped_column(ForeignKey(Lesion.id), index=True)
    file: Mapped[str] = mapped_column(Text)
    file_folded: Mapped[str] = mapped_column(Text)
    risk: Mapped[float]
    verdict: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(String(32))
    prediction: Mapped[str | None] = mapped_column(Text)
    probability: Mapped[float | None]
    p_malignant: Mapped[float | None]
    certainty: Mapped[str | None] = mapped_column(String(16))
    quality: Mapped[str] = mapped_column(String(8))
    model: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(Text)
    clinician_verdict: Mapped[str | None] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")
    flag: Mapped[bool] = mapped_column(default=False)
    pixels_per_mm: Mapped[float | None]
    batch: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    upload: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    removed: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    taken_offset: Mapped[int | None]
    answer: Mapped[dict[str, Any]]
    row: Mapped[dict[str, Any]]

    picture: Mapped[Picture] = relationship(lazy="raise")
    lesion: Mapped[Lesion | None] = relationship(lazy="raise")
    changes: Mapped[list["Change"]] = relationship(
        lazy="raise", order_by="Change.id", passive_deletes=True
    )
    vector: Mapped["Vector | None"] = relationship(lazy="raise", passive_deletes=True)

    @property
    def taken(self) -> datetime | None:
        """When the picture was taken: with its offset from UTC where that is known, else without.

        The file says it, or the clinician.
        """
        if self.taken_at is None or self.taken_offset is None:
            return self.taken_at and self.taken_at.replace(tzinfo=None)
        return self.taken_at.astimezone(timezone(timedelta(minutes=self.taken_offset)))

    @taken.setter
    def taken(self, value: datetime | None) -> None:
        offset = None if value is None else value.utcoffset()
        self.taken_offset = None if offset is None else round(offset.total_seconds() / 60)
        self.taken_at = value.replace(tzinfo=UTC) if value and offset is None else value

    @property
    def seen(self) -> datetime:
        """Where it stands in the series of its lesion: when it was taken, else when it was kept."""
        return self.taken_at or self.created


class Change(Base):
    """One field of an assessment that somebody changed, its old value and its new one."""

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey(Item.id, ondelete="CASCADE"), index=True)
    created: Mapped[datetime]
    field: Mapped[str] = mapped_column(String(32))
    old: Mapped[Any] = mapped_column(JSON)
    new: Mapped[Any] = mapped_column(JSON)


class Explanation(Base):
    """An explanation that somebody asked for: how far it is, and what came out.

    Its map lies in a file, and so does the picture of one that is of no kept assessment.

    key: its address, random.
    request: hash of what is asked for; an equal request of the same owner finds the row. None: it
        failed or was cancelled, so the next equal request makes another.
    address: hash of where the request came from, by which shares are counted.
    item_id: the assessment that is explained, with which the row goes; None: `expires` says when.
    order: settings of the server that the worker needs, `Dashboard.explain.jobs.order.Order`.
    lane: `fast` or `slow`; `turn`: how many of the same address waited before it.
    tries: how often a worker has begun it; `worker` has it until `lease`, unless it renews that.
    patience: seconds that it goes on without anybody asking for it, until `wanted_until`.
    estimate: seconds that it is expected to take; `seconds` those that such a one
        takes, where no model had to be opened for this one.
    result: of one that is done: class, its probability, seconds, size of the picture.
    size: of its files, in bytes.
    """

    __tablename__ = "explanations"
    __table_args__ = (
        UniqueConstraint("owner", "request"),
        Index(None, "state", "lane", "turn", "id"),
        Index(None, "model", "method", "precision", "seconds"),
        Index(None, "expires"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    owner: Mapped[str] = mapped_column(String(64))
    request: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(32))
    item_id: Mapped[int | None] = mapped_column(ForeignKey(Item.id, ondelete="CASCADE"), index=True)
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    model: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(String(64))
    precision: Mapped[str] = mapped_column(String(8))
    target: Mapped[str | None] = mapped_column(String(64))
    order: Mapped[dict[str, Any]]
    lane: Mapped[str] = mapped_column(String(8))
    turn: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    fraction: Mapped[float] = mapped_column(default=0.0)
    error: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64))
    lease: Mapped[datetime | None]
    patience: Mapped[float]
    wanted_until: Mapped[datetime]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    estimate: Mapped[float]
    seconds: Mapped[float | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    size: Mapped[int] = mapped_column(default=0)

    item: Mapped[Item | None] = relationship(lazy="raise")


class Vector(Base):
    """An assessment's picture as `models.inference.vectors` makes it, to find others like it.

    model, version: whose features it is made of; vectors of different ones cannot be compared.
    """

    __tablename__ = "vectors"

    item_id: Mapped[int] = mapped_column(ForeignKey(Item.id, ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(Text)
    data: Mapped[bytes]


class Measured(Base):
    """What was measured of an assessment's picture (`quality.lesion`), so that it is done once."""

    __tablename__ = "measurements"

    item_id: Mapped[int] = mapped_column(ForeignKey(Item.id, ondelete="CASCADE"), primary_key=True)
    found: Mapped[dict[str, Any]]


class Registered(Base):
    """How one picture of a lesion lies on another one, or why it cannot be laid there."""

    __tablename__ = "registrations"

    item_id: Mapped[int] = mapped_column(ForeignKey(Item.id, ondelete="CASCADE"), primary_key=True)
    onto_id: Mapped[int] = mapped_column(
        ForeignKey(Item.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    found: Mapped[dict[str, Any]]
