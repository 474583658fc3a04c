"""What is asked of the store by histology, over SQLite and over PostgreSQL."""

import io
import zipfile
from collections.abc import Callable

from Dashboard.assess.service import Service
from Dashboard.proven.audit import proven_lesions
from Dashboard.proven.export import export
from Dashboard.proven.similar import SimilarCases
from Dashboard.store.schema import Vector
from Dashboard.store.store import Store
from tests.dashboard.conftest import Assessed


def test_similar_cases_record_and_export(
    store: Store, assessed: Assessed, make_service: Callable[..., Service]
) -> None:
    keys = [store.keep("me", *assessed[kind]).key for kind in ("malignant", "benign", "pale")]
    for key, name in zip(keys, ("A", "B", "A"), strict=True):
        store.change("me", key, {"lesion": {"name": name, "histology": "Melanoma"}})
    with store.place.database.writing("tests") as session:
        session.query(Vector).delete()
    cases = SimilarCases(make_service(), store)
    first, again = (cases.find("me", keys[0]) for _ in range(2))
    assert [(one.name, one.code) for one in first.neighbours] == [("B", "mel")]
    assert first == again
    with store.place.database.reading() as session:
        assert session.query(Vector).count() == 2
    assert [(one.name, one.verdict, one.code) for one in proven_lesions(store, "me")] == [
        ("A", "consultation", "mel"),
        ("B", "no_appointment", "nv"),
    ]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export(store, "me"))))
    assert len(archive.namelist()) == 4
    # What was taken out of the list is in none of them, while it may still come back.
    store.change_many("me", [keys[1]], {}, removed=True)
    assert cases.find("me", keys[0]).neighbours == []
    assert [one.name for one in proven_lesions(store, "me")] == ["A"]
    store.delete_all("me")
    with store.place.database.reading() as session:
        assert session.query(Vector).count() == 0
