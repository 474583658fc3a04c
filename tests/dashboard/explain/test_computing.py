"""What a worker computes, in this process: sizes, memory, stopping, and whose turn it is."""

import io
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from Dashboard.explain.jobs import computing
from Dashboard.explain.jobs.computing import HereComputing, Stopped
from Dashboard.explain.jobs.lanes import Json
from Dashboard.explain.jobs.order import Lane, Order
from Dashboard.explain.jobs.turns import Turns
from Dashboard.explain.jobs.work import in_words
from models.errors import CheckpointError
from tests.dashboard import explaining
from tests.dashboard.conftest import EXPLAINER

ORDER = Order("plain", "gradcam", "Low", None, "/weights", 10**7, 10**7)


def picture(height: int, width: int) -> bytes:
    done, data = cv2.imencode(".png", np.full((height, width, 3), 90, np.uint8))
    assert done
    return data.tobytes()


def computed(data: bytes, *, stopped: bool = False, lane: Lane = "fast") -> computing.Computed:
    compute = HereComputing(EXPLAINER)
    found = compute(data, ORDER, lane, lambda _: None, lambda: stopped)
    compute.give_back()
    return found


def test_the_map_of_a_large_picture_has_four_megapixels() -> None:
    found = computed(picture(2000, 4000), lane="slow")
    assert (found.result["width"], found.result["height"]) == (4000, 2000)
    assert np.load(io.BytesIO(found.map)).shape == (1414, 2828)  # the same shape
    assert found.result["seconds"] == explaining.STEP_SECONDS
    assert found.seconds is None  # the model had to be opened


def test_only_what_finds_its_model_open_says_how_long_such_a_map_takes() -> None:
    compute = HereComputing(EXPLAINER)
    took = [
        compute(picture(8, 8), order, "fast", lambda _: None, lambda: False).seconds
        for order in (ORDER, ORDER, replace(ORDER, method="saliency"), ORDER)
    ]
    assert took == [None, explaining.STEP_SECONDS, None, explaining.STEP_SECONDS]


def test_what_is_stopped_gives_nothing() -> None:
    with pytest.raises(Stopped):
        computed(picture(8, 8), stopped=True)


def test_models_are_closed_where_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(explaining, "close_models", lambda: closed.append(True), raising=False)
    # What the process of the tests takes is not the question.
    monkeypatch.setattr(computing, "MOST_RESIDENT_BYTES", 10**15)
    computed(picture(8, 8))
    monkeypatch.setattr(computing, "MOST_RESIDENT_BYTES", 0)
    computed(picture(8, 8))
    assert closed == [True]


def test_one_computes_at_a_time_and_the_first_go_first() -> None:
    turns, order = Turns(), []
    last_computes = threading.Event()

    def last() -> None:
        with turns.turn(first=False):
            last_computes.set()
            while "first" not in order:
                time.sleep(0.001)
                turns.let_in()
            order.append("last")

    def first() -> None:
        with turns.turn(first=True):
            order.append("first")
            time.sleep(0.05)
            order.append("first, too")

    threads = [threading.Thread(target=one) for one in (last, first)]
    threads[0].start()
    assert last_computes.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "first, too", "last"]
    assert turns.let_in() == 0.0


def test_a_checkpoint_that_cannot_be_read_names_no_folder() -> None:
    said = in_words(CheckpointError("/srv/weights/plain/model.safetensors cannot be read"))
    assert said == "a checkpoint cannot be read; the server's log says which and why"
    assert in_words(ValueError("for users")) == "for users"
    assert in_words(KeyError("patient-4711")) == "the explanation failed in the worker (KeyError)"


def test_messages_are_json() -> None:
    with pytest.raises(UnicodeDecodeError):
        Json().deserialize(b"\x80\x04\x95")  # how a pickle begins
    assert Json().deserialize(Json().serialize({"a": [1]})) == {"a": [1]}
