"""What the worker does with one job, in this process."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from Dashboard.explain.jobs import records
from Dashboard.explain.jobs import work as working
from Dashboard.explain.jobs.files import FileStore
from Dashboard.explain.jobs.records import Order, Record
from Dashboard.explain.jobs.room import NO_ROOM, BoundedStore
from Dashboard.explain.jobs.work import work
from tests.dashboard import explaining
from tests.dashboard.conftest import EXPLAINER

ORDER = Order("plain", "gradcam", "Low", None, "/weights", 10**7, 10**7)


def carried_out(folder: Path, data: bytes | None) -> tuple[Record, FileStore]:
    """The record of a job after `work`, in this process; no data: its picture has expired."""
    store = FileStore(folder)
    store.put(records.record_key("k"), Record(ORDER).dump(), 60)
    if data is not None:
        store.put(records.input_key("k"), data, 60)
    work("k", store, EXPLAINER)
    found = store.get(records.record_key("k"))
    assert found is not None
    return Record.load(found), store


def test_a_large_picture_is_drawn_at_four_megapixels(tmp_path: Path) -> None:
    done, data = cv2.imencode(".png", np.full((2000, 4000, 3), 90, np.uint8))
    assert done
    record, store = carried_out(tmp_path, data.tobytes())
    assert record.result is not None
    assert (record.result["width"], record.result["height"]) == (4000, 2000)
    array = np.load(io.BytesIO(store.get(records.array_key("k")) or b""))
    drawn = cv2.imdecode(np.frombuffer(store.get(records.picture_key("k")) or b"", np.uint8), 1)
    assert (*array.shape, 3) == drawn.shape == (1414, 2828, 3)  # the same shape
    assert store.get(records.input_key("k")) is None


def test_a_job_whose_picture_has_expired(tmp_path: Path) -> None:
    record, _ = carried_out(tmp_path, None)
    assert record.state == "failed"
    assert "its picture was deleted" in str(record.error)


def test_a_message_that_comes_twice_does_nothing(tmp_path: Path) -> None:
    done, data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
    assert done
    record, store = carried_out(tmp_path, data.tobytes())
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.iterdir())
    work("k", store, EXPLAINER)
    work("unknown", store, EXPLAINER)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.iterdir()) == before
    assert record.state == "done"


def test_a_job_counts_as_running_before_the_explainer_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading torch takes seconds and memory: a worker that is killed then is to be noticed."""
    store = FileStore(tmp_path)
    seen: list[str] = []

    def find(_: str) -> None:
        data = store.get(records.record_key("k"))
        assert data is not None
        seen.append(Record.load(data).state)
        raise ImportError

    monkeypatch.setattr(working, "find", find)
    record, _ = carried_out(tmp_path, b"a picture")
    assert seen == ["running"]
    assert record.error == "the explanation failed in the worker (ImportError)"


def test_models_are_closed_where_they_take_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(explaining, "close_models", lambda: closed.append(True), raising=False)
    done, data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))
    assert done
    monkeypatch.setattr(working, "MOST_RESIDENT_BYTES", 0)
    assert carried_out(tmp_path, data.tobytes())[0].state == "done"
    assert closed == [True]


def test_results_without_room_leave_nothing(tmp_path: Path) -> None:
    done, data = cv2.imencode(".png", np.zeros((300, 300, 3), np.uint8))
    assert done
    store = BoundedStore(tmp_path, 200_000)
    store.put(records.record_key("k"), Record(ORDER).dump(), 60)
    store.put(records.input_key("k"), data.tobytes(), 60)
    work("k", store, EXPLAINER)  # its map alone takes 360 kB
    found = store.get(records.record_key("k"))
    assert found is not None
    record = Record.load(found)
    assert (record.state, record.error) == ("failed", NO_ROOM)
    assert [name for name, _, _ in store.entries()] == [records.record_key("k")]
