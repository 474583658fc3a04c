import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.web import connections
from tests.dashboard.sending import refused


class Socket:
    """Keeps the timeouts that it is given."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)


class Silent(io.BytesIO):
    """A body that stops arriving after its first bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise TimeoutError("timed out")


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., Any]:
    def call(stream: io.BytesIO, socket: Socket, length: int, kind: str) -> Any:
        return client.post(
            "/predict",
            content_type=kind,
            environ_overrides={
                "gunicorn.socket": socket,
                "wsgi.input": stream,
                "CONTENT_LENGTH": str(length),
            },
        )

    return call


def test_a_body_that_stops_arriving(post: Callable[..., Any]) -> None:
    socket = Socket()
    response = post(Silent(), socket, 1000, "application/json")
    assert refused(response, 408) == "the request's body did not arrive in time"
    response.close()
    assert socket.timeouts == [connections.SILENCE_SECONDS, connections.DRAIN_SILENCE_SECONDS]


def test_a_body_that_is_cut_off(post: Callable[..., Any]) -> None:
    response = post(io.BytesIO(b"{"), Socket(), 1000, "application/json")
    assert refused(response, 400) == "the request's body did not arrive whole"
    response.close()


def test_the_rest_of_a_body_is_taken_off_the_connection(post: Callable[..., Any]) -> None:
    stream = io.BytesIO(bytes(2**20))
    response = post(stream, Socket(), 2**20, "text/plain")
    refused(response, 415)
    response.close()
    assert stream.tell() == 2**20


def test_only_for_so_long(post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "DRAIN_SECONDS", 0.0)
    stream = io.BytesIO(bytes(2**20))
    response = post(stream, Socket(), 2**20, "text/plain")
    response.close()
    assert stream.tell() == 0
