"""What the store keeps and for whom, over SQLite and over PostgreSQL."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, text

from Dashboard.config import Config
from Dashboard.store.database import Database, sqlite_url
from Dashboard.store.deletion import delete_orphans
from Dashboard.store.errors import StoreUnavailable, UnknownItem
from Dashboard.store.filters import Filters
from Dashboard.store.items import case, summary
from Dashboard.store.listing import whole
from Dashboard.store.place import Place
from Dashboard.store.schema import Base, Item
from Dashboard.store.store import Store
from Dashboard.store.upkeep import WAY_BACK
from tests.dashboard.store.conftest import Assessed

ALL = Filters()
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Clock:
    """A minute passes from each look to the next."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def keep(store: Store, assessed: Assessed, kind: str, file: str = "", owner: str = "me") -> Item:
    return store.keep(owner, *assessed[kind], file)


def names(store: Store, filters: Filters, owner: str = "me") -> list[str]:
    return [item.file for item in store.page(owner, filters, limit=100).items]


def files(store: Store) -> list[Path]:
    return [path for path in store.place.pictures.folder.rglob("*") if path.is_file()]


def test_an_assessment_is_kept_as_it_was_answered(store: Store, assessed: Assessed) -> None:
    data, assessment = assessed["malignant"]
    key = keep(store, assessed, "malignant", "patients/A.png").key
    found = case(store.get("me", key))
    assert found["answer"] == assessment.to_kept()
    assert found.items() >= {
        "id": key, "file": "patients/A.png", "verdict": "consultation", "code": "mel",
        "p_malignant": pytest.approx(0.75), "quality": "accept", "note": "", "flag": False,
        "clinician_verdict": None, "lesion": None, "history": [],
        "picture": {"media_type": "image/png", "bytes": len(data)},
    }.items()  # fmt: skip
    assert datetime.fromisoformat(found["created"]).utcoffset() == timedelta(0)
    assert store.picture("me", key) == (data, "image/png")


def test_of_a_rejected_picture_nothing_about_classes(store: Store, assessed: Assessed) -> None:
    found = summary(keep(store, assessed, "pale"))
    assert (found["verdict"], found["quality"]) == ("retake", "reject")
    assert {found[name] for name in ("code", "prediction", "probability", "p_malignant")} == {None}


def test_another_owner_sees_changes_and_deletes_nothing(store: Store, assessed: Assessed) -> None:
    key = keep(store, assessed, "benign", "mine.png").key
    assert names(store, ALL, "you") == []
    for attempt in (
        lambda: store.get("you", key),
        lambda: store.picture("you", key),
        lambda: store.change("you", key, {"note": "x"}),
        lambda: store.delete("you", key),
    ):
        with pytest.raises(UnknownItem, match="there is no such assessment"):
            attempt()
    assert store.delete_all("you").count == 0
    assert names(store, ALL) == ["mine.png"]


def test_changes_are_remembered(store: Store, assessed: Assessed) -> None:
    key = keep(store, assessed, "benign").key
    store.change("me", key, {"note": "itches", "flag": True})
    store.change("me", key, {"note": "itches", "clinician_verdict": "consultation"})
    found = case(store.change("me", key, {"lesion": {"name": "L1", "sex": "female"}, "note": ""}))
    lesion = {"name": "L1", "body_site": None, "age_band": None, "sex": "female", "histology": None}
    assert (found["note"], found["flag"], found["lesion"]) == ("", True, lesion)
    assert [(one["field"], one["old"], one["new"]) for one in found["history"]] == [
        ("note", "", "itches"),
        ("flag", False, True),
        ("clinician_verdict", None, "consultation"),
        ("note", "itches", ""),
        ("lesion", None, lesion),
    ]


def test_a_lesion_is_shared_and_goes_with_its_last_assessment(
    store: Store, assessed: Assessed
) -> None:
    first, second = (keep(store, assessed, kind) for kind in ("benign", "malignant"))
    store.change("me", first.key, {"lesion": {"name": "L1", "body_site": "back"}})
    store.change("me", second.key, {"lesion": {"name": "L1", "histology": "nv"}})
    words = case(store.get("me", first.key))["lesion"]
    assert (words["body_site"], words["histology"]) == ("back", "nv")
    other = keep(store, assessed, "benign", owner="you")
    store.change("you", other.key, {"lesion": {"name": "L1"}})
    store.change("me", second.key, {"lesion": None})
    assert store.delete_all("me", lesion="L1").count == 1
    assert [item.key for item in whole(store, "me", ALL)] == [second.key]
    # A lesion of this name begins anew, and that of another owner is as it was.
    again = store.change("me", second.key, {"lesion": {"name": "L1"}})
    assert again.lesion is not None
    assert (again.lesion.body_site, again.lesion.histology) == (None, None)
    assert names(store, Filters(lesion="L1"), "you") == [""]


def test_a_picture_goes_with_the_last_assessment_of_its_owner(
    store: Store, assessed: Assessed
) -> None:
    first, second = (keep(store, assessed, "benign") for _ in range(2))
    yours = keep(store, assessed, "benign", owner="you")
    assert len(files(store)) == 2  # once for each owner
    assert store.delete("me", first.key).pictures == frozenset()
    assert store.picture("me", second.key)[0] == assessed["benign"][0]
    (gone,) = store.delete("me", second.key).pictures
    assert gone == hashlib.sha256(assessed["benign"][0]).hexdigest()
    assert len(files(store)) == 1  # another owner has it still
    assert store.delete("you", yours.key).pictures == {gone}
    assert files(store) == []


def test_what_is_kept_for_too_long_is_not_shown_and_then_deleted(
    config: Config, assessed: Assessed
) -> None:
    now = NOON
    settings = Config(
        data_dir=config.data_dir, database_url=config.database_url, retention=timedelta(hours=12)
    )
    store = Store(settings, now=lambda: now)
    key = keep(store, assessed, "benign", "old.png").key
    now += timedelta(hours=6)
    keep(store, assessed, "malignant", "new.png")
    now += timedelta(hours=6)
    assert names(store, ALL) == ["new.png"]
    with pytest.raises(UnknownItem):
        store.picture("me", key)
    assert len(files(store)) == 2
    store.tidy()
    assert len(files(store)) == 1
    now += timedelta(hours=6)
    store.prepare()  # as the next start does
    assert files(store) == []
    store.close()


def test_what_left_the_lists_is_deleted_half_a_minute_later(
    config: Config, assessed: Assessed
) -> None:
    now = NOON
    store = Store(config, now=lambda: now)
    items = [keep(store, assessed, "benign", file=f"{n}.png") for n in range(2)]
    assert store.change_many("me", [items[0].key], {}, removed=True) == [items[0].key]
    assert [item.key for item in store.page("me", ALL).items] == [items[1].key]
    now += WAY_BACK - timedelta(seconds=1)
    store.tidy()
    assert store.change_many("me", [items[0].key], {}, removed=False) == [items[0].key]
    assert store.page("me", ALL).total == 2
    store.change_many("me", [items[0].key], {}, removed=True)
    now += WAY_BACK
    store.tidy()
    assert store.change_many("me", [items[0].key], {}, removed=False) == []
    store.close()


def test_files_that_no_row_names_are_deleted(store: Store, assessed: Assessed) -> None:
    kept = keep(store, assessed, "benign")
    with store.place.pictures.staged(b"killed before the commit") as staging:
        store.place.pictures.place("me", staging, "0" * 64)
    with store.place.pictures.staged(b"of one who has nothing") as staging:
        store.place.pictures.place("you", staging, "1" * 64)
    delete_orphans(store.place)
    assert [path.name for path in files(store)] == [kept.picture.sha256]


def test_many_at_once_keep_and_delete_the_same_picture(store: Store, assessed: Assessed) -> None:
    store.prepare()

    def keep_and_delete(number: int) -> int:
        key = keep(store, assessed, "benign", str(number)).key
        data, _ = store.picture("me", key)
        assert data == assessed["benign"][0]
        return store.delete("me", key).count if number % 2 else 0

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(keep_and_delete, range(12))) == 6
    assert len(list(whole(store, "me", ALL))) == 6
    assert len(files(store)) == 1
    assert store.delete_all("me").count == 6
    assert files(store) == []


def test_nothing_of_what_was_deleted_is_left_in_the_files(
    tmp_path: Path, assessed: Assessed
) -> None:
    store = Store(Config(data_dir=tmp_path))
    for number in range(3):
        key = keep(store, assessed, "benign", f"patient-4711-{number}.png").key
        store.change("me", key, {"note": "note-4712", "lesion": {"name": "lesion-4713"}})
    assert store.delete_all("me").count == 3
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"-471" not in left
    store.close()


def test_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store.place.database.reading() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_several_servers_that_start_at_once_make_the_tables_once(config: Config) -> None:
    stores = [Store(config) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Store.prepare, stores))
    assert {store.place.secret for store in stores} == {stores[0].place.secret}
    assert [store.page("me", ALL, limit=1).total for store in stores] == [0] * 4
    for store in stores:
        store.close()


def test_a_new_database_that_others_change_at_once_is_waited_for(tmp_path: Path) -> None:
    def first_look(url: URL) -> None:
        database = Database(url, durable=True)
        with database.reading() as session:
            assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        database.close()

    with ThreadPoolExecutor(4) as pool:
        for place in range(100):  # alone, SQLite refuses one look in forty
            list(pool.map(first_look, [sqlite_url(tmp_path / f"{place}.db")] * 4))


def test_a_database_of_a_newer_program_is_left_alone(store: Store, config: Config) -> None:
    with store.place.database.writing("tests") as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="made by a newer version of this program"):
        Store(config).prepare()


OLD = """
INSERT INTO pictures (id, owner, sha256, media_type, size) VALUES (1, 'me', 'abc', 'image/png', 3);
INSERT INTO assessments (id, key, owner, created, picture_id, file, file_folded, verdict, message,
  p_malignant, quality, model, version, note, flag, answer, "row")
VALUES (1, 'one', 'me', '2026-11-27 12:00:00.000000', 1, 'a.png', 'a.png', 'no_appointment', 'm',
  0.1234567, 'accept', 'plain', '1', 'kept', false, '{"success": true}', '{"file": "a.png"}');
INSERT INTO assessments (id, key, owner, created, picture_id, file, file_folded, verdict, message,
  quality, model, version, note, flag, answer, "row")
VALUES (2, 'two', 'me', '2026-11-27 11:00:00.000000', 1, 'b.png', 'b.png', 'retake', 'm',
  'reject', 'plain', '1', '', false, '{"success": false}', '{}');
"""


def test_an_upgrade_from_the_first_schema_keeps_what_is_there(config: Config) -> None:
    store = Store(config)
    database = Place(config).database
    database.upgrade("0001")
    with database.writing("tests") as session:
        for statement in OLD.split(";")[:-1]:
            session.execute(text(statement.replace(": ", "\\: ")))
    database.close()
    store.prepare()
    assert [item.key for item in store.page("me", ALL, sort="urgent").items] == ["two", "one"]
    found = store.get("me", "one")
    assert (found.created, found.note, found.risk) == (NOON, "kept", 0.123457)
    assert (found.answer, found.row) == ({"success": True}, {"file": "a.png"})
    store.close()
