"""Care for a connection whose body is slow or longer than is accepted, under gunicorn."""

import time
from collections.abc import Callable
from typing import Any

import flask
from flask import Flask, Response

# A client that is silent for so long in the middle of a body is given up.
SILENCE_SECONDS = 30.0
# How long, after the answer, the rest of a body is still taken off the connection.
DRAIN_SECONDS = 10.0
DRAIN_SILENCE_SECONDS = 1.0
BLOCK_BYTES = 256 * 1024


class _Body:
    """A request's body whose own mistakes, a malformed chunk for one, are read errors."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except OSError:
            raise
        except Exception as error:
            raise OSError("the body is malformed") from error


def care_for_connections(server: Flask) -> None:
    """Bound the wait for a body, and let a client finish sending one that nobody reads.

    A client that is still sending when the connection is closed sees an error instead of the
    answer that says why its request was refused. Other servers than gunicorn are left alone.
    """

    @server.before_request
    def bound_the_wait() -> None:
        environ = flask.request.environ
        if "gunicorn.socket" in environ:
            environ["gunicorn.socket"].settimeout(SILENCE_SECONDS)
            environ["wsgi.input"] = _Body(environ["wsgi.input"])

    @server.after_request
    def read_the_rest(response: Response) -> Response:
        environ = flask.request.environ
        if "gunicorn.socket" in environ and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            response.call_on_close(_drain(environ))
        return response


def _drain(environ: dict[str, Any]) -> Callable[[], None]:
    def drain() -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        environ["gunicorn.socket"].settimeout(DRAIN_SILENCE_SECONDS)
        try:
            while time.monotonic() < deadline and environ["wsgi.input"].read(BLOCK_BYTES):
                pass
        except OSError:  # the answer has been given, whatever is wrong with the rest
            return

    return drain
