"""What decodes for too long ends its process, after the others have had their time."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from Dashboard.web import deadline
from tests.dashboard.web import test_worker
from tests.dashboard.web.test_worker import running


def test_a_thread_is_beyond_the_deadline_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "SECONDS", 0.05)
    given_back: list[bool] = []
    with deadline.held(lambda: given_back.append(True)):
        assert not deadline.missed()
        time.sleep(0.1)
        assert deadline.missed()
        assert deadline.missed()
    assert not deadline.missed()
    assert given_back == [True]


def test_an_error_ends_the_hold() -> None:
    with pytest.raises(ValueError, match="broken"), deadline.held(lambda: None):
        raise ValueError("broken")
    assert not deadline.missed()


def test_nothing_ends_where_nothing_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(deadline, "end_process", left.append)
    deadline.leave([], b"")
    assert left == []


def test_a_worker_whose_thread_is_stuck_answers_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, left = threading.Event(), threading.Event()
    plain = test_worker.application

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/stuck":
            with deadline.held(lambda: None):
                stuck.wait(20)
        return plain(environ, start_response)

    monkeypatch.setattr(test_worker, "application", application)
    monkeypatch.setattr(deadline, "SECONDS", 0.3)
    monkeypatch.setattr(deadline, "end_process", lambda _status: left.set())
    try:
        with running() as server:
            with server.connect(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n") as waits:
                assert server.call()[0] == 200
                answer = waits.recv(4096)
            assert left.wait(10)
    finally:
        stuck.set()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"took too long to decode" in answer
