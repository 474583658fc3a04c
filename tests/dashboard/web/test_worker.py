"""gunicorn's worker with its loop, in this process, over a small application and real sockets."""

import json
import logging
import os
import queue
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any

import pytest
from gunicorn.config import Config

from Dashboard.web.arriving import Patience
from Dashboard.web.headers import HEADERS
from Dashboard.web.log import Log
from Dashboard.web.proxy import read_networks
from Dashboard.web.worker import Worker

QUICK = Patience(first=0.4, window=0.4, least=100, total=5.0, linger=0.3, room=2.0)
MOST_BODY = 100_000
LONG = {"/long": bytes(4 * 2**20), "/longer": bytes(20 * 2**20)}
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
SLOW = {
    "nothing": b"",
    "head": b"POST / HTTP/1.1\r\nX: ",
    "body": POST + b"Content-Length: 90000\r\n\r\na",
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
    "too long": POST + b"Content-Length: 900000000\r\n\r\na",
    "unread": b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n",
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answers with what it was sent, as JSON; the paths of `LONG` with much."""
    if environ["PATH_INFO"] in LONG:
        answer = LONG[environ["PATH_INFO"]]
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]
    status, body = "200 OK", b""
    if int(environ.get("CONTENT_LENGTH") or 0) > MOST_BODY:
        status = "413 Too Large"
    else:
        try:
            body = environ["wsgi.input"].read()
        except OSError as error:
            status, body = "400 Bad", str(error).encode()
    said = {"path": environ["PATH_INFO"], "size": len(body), "prefix": environ["SCRIPT_NAME"]}
    data = json.dumps(said).encode()
    start_response(status, [("Content-Length", str(len(data)))])
    return [data]


class Application:
    def wsgi(self) -> Callable[..., Any]:
        return application


class Running:
    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(data)
        return connection

    def call(self, method: str = "GET", path: str = "/", body: Any = None, **headers: str) -> Any:
        client = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            client.close()


@contextmanager
def running(patience: Patience = QUICK, trusted: str = "", **settings: Any) -> Iterator[Running]:
    """A worker of four threads, on a port of its own."""
    kind = type(
        "Quick",
        (Worker,),
        {"patience": patience, "most_body_bytes": MOST_BODY, "trusted": read_networks(trusted)},
    )
    cfg = Config()
    for name, value in {"threads": 4, "graceful_timeout": 1, **settings}.items():
        cfg.set(name, value)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    worker = kind(0, os.getppid(), [listener], Application(), 30, cfg, Log(cfg))
    # What `init_process` does, less the signals, which a thread cannot take.
    worker.tpool, worker.poller = ThreadPoolExecutor(cfg.threads), selectors.DefaultSelector()
    worker.method_queue.init()
    worker.prepare()
    worker.load_wsgi()
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield Running(listener.getsockname()[1])
    finally:
        worker.handle_exit(0, None)
        thread.join(10)
        worker.tmp.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def worker() -> Iterator[Running]:
    with running() as found:
        yield found


def answer_of(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what comes; the connection is read no further."""
    response = HTTPResponse(connection)
    response.begin()
    return response.status, dict(response.getheaders()), response.read()


@pytest.mark.parametrize("kind", SLOW)
def test_two_hundred_slow_connections_hold_up_nobody(kind: str) -> None:
    with running(Patience()) as worker, ExitStack() as held:
        for _ in range(50 if kind == "unread" else 200):  # those are 200 MB
            held.enter_context(worker.connect(SLOW[kind]))
        start = time.monotonic()
        for _ in range(3):
            assert worker.call() == (200, {"path": "/", "size": 0, "prefix": ""})
            assert worker.call("POST", "/", bytes(2000))[1]["size"] == 2000
        assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("head", "the request did not arrive in time"),
        ("body", "the request's body did not arrive in time"),
        ("chunks", "the request's body did not arrive in time"),
    ],
)
def test_a_request_that_does_not_arrive(worker: Running, kind: str, sentence: str) -> None:
    with worker.connect(SLOW[kind]) as connection:
        status, headers, body = answer_of(connection)
    assert (status, json.loads(body)) == (408, {"success": False, "error": sentence})
    assert HEADERS.items() <= headers.items()
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_connection_that_says_nothing_is_closed(worker: Running) -> None:
    with worker.connect() as connection:
        assert connection.recv(100) == b""


def test_a_slow_body_that_keeps_moving_is_not_cut(worker: Running) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(9):  # for two of the windows and more
            yield bytes(100)
            time.sleep(0.1)

    assert worker.call("POST", "/", body(), **{"Content-Length": "900"})[1]["size"] == 900


def test_requests_that_come_at_once_are_answered_in_order(worker: Running) -> None:
    first = POST.replace(b"/ ", b"/1 ") + b"Content-Length: 3\r\n\r\nabc"
    second = POST.replace(b"/ ", b"/2 ") + b"Transfer-Encoding: chunked\r\n\r\n"
    second += b"2;a=b\r\nab\r\n0\r\nX: y\r\n\r\n"
    with worker.connect(first + second + b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        said = b""
        while said.count(b"}") < 3:
            said += connection.recv(4096)
    assert [int(size) for size in re.findall(rb'"path": "/\d", "size": (\d)', said)] == [3, 2, 0]


def test_a_long_answer_arrives_whole(worker: Running) -> None:
    with worker.connect(SLOW["unread"]) as connection:
        time.sleep(0.2)
        assert answer_of(connection)[2] == LONG["/long"]


def test_an_answer_that_nobody_takes_is_given_up(worker: Running) -> None:
    with worker.connect(SLOW["unread"].replace(b"long", b"longer")) as connection:
        time.sleep(1.5)
        with pytest.raises((IncompleteRead, ConnectionError)):
            answer_of(connection)


def test_a_body_that_is_too_long_is_refused_and_taken_off_the_connection(worker: Running) -> None:
    status, _ = worker.call("POST", "/", bytes(2**20))
    assert status == 413


@pytest.mark.parametrize(
    "chunk", [b"zz\r\n", b"-5\r\nabcde\r\n", b"5\r\nabcdefgh", b"5;\x00\r\n", b"5\r\nabcdeXY"]
)
def test_a_malformed_body_is_answered_at_once(worker: Running, chunk: bytes) -> None:
    with worker.connect(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk) as connection:
        assert answer_of(connection)[0] == 400


def test_a_body_is_asked_for_where_the_client_waits_for_that(worker: Running) -> None:
    head = POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with worker.connect(head) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert json.loads(answer_of(connection)[2])["size"] == 3
    with worker.connect(head.replace(b"3", b"900000")) as connection:
        assert answer_of(connection)[0] == 413  # without being asked for


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /\x1b[31m HTTP/1.1\r\nHost: x", 400),
        (b"nonsense", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: patient", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: patient", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: patient", 417),
        (b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: x", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join([b"A: b"] * 200), 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
    ],
)
def test_what_is_no_request(
    worker: Running, caplog: pytest.LogCaptureFixture, request_line: bytes, status: int
) -> None:
    logging.getLogger("gunicorn.error").addHandler(caplog.handler)
    try:
        with worker.connect(request_line + b"\r\n\r\n") as connection:
            found, headers, body = answer_of(connection)
    finally:
        logging.getLogger("gunicorn.error").removeHandler(caplog.handler)
    assert found == status
    assert HEADERS.items() <= headers.items()
    assert json.loads(body)["success"] is False
    assert b"patient" not in body
    assert "127.0.0.1" not in caplog.text
    assert "patient" not in caplog.text


def test_an_address_holds_its_share_of_the_connections_alone() -> None:
    with running(Patience(), worker_connections=40) as worker, ExitStack() as held:
        slow = [held.enter_context(worker.connect(SLOW["head"])) for _ in range(30)]
        assert worker.call()[0] == 200
        for one in slow:
            one.settimeout(0.01)
        closed = 0
        for one in slow:
            with suppress(TimeoutError):
                try:
                    closed += one.recv(1) == b""
                except ConnectionResetError:
                    closed += 1
        assert closed >= 20


def test_a_proxys_connections_are_many_clients() -> None:
    quiet = running(Patience(), trusted="127.0.0.1", worker_connections=40)
    with quiet as worker, ExitStack() as held:
        slow = [held.enter_context(worker.connect(SLOW["head"])) for _ in range(30)]
        assert worker.call()[0] == 200
        slow[0].settimeout(0.05)
        with pytest.raises(TimeoutError):  # it is open
            slow[0].recv(1)


def test_many_large_bodies_take_turns(worker: Running) -> None:
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(worker.call, "POST", "/", bytes(MOST_BODY)) for _ in range(20)]
        assert [call.result()[1]["size"] for call in calls] == [MOST_BODY] * 20


def test_encryption_is_refused_in_a_sentence() -> None:
    cfg = Config()
    cfg.set("certfile", "certificate.pem")
    with pytest.raises(SystemExit, match="encryption is for a proxy"):
        Worker.check_config(cfg, Log(cfg))


def test_script_name_is_no_error(worker: Running) -> None:
    with running(forwarder_headers="SCRIPT_NAME") as other:
        for one in (worker, other):
            with one.connect(b"GET / HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /derma\r\n\r\n") as found:
                assert answer_of(found)[0] == 200


def test_what_is_being_answered_is_answered_before_the_end() -> None:
    found: queue.Queue[Any] = queue.Queue()
    with running(Patience()) as worker:
        connection = worker.connect(POST + b"Content-Length: 3\r\n\r\nab")
        time.sleep(0.1)

        def finish() -> None:
            time.sleep(0.3)
            connection.sendall(b"c")
            found.put(answer_of(connection))

        threading.Thread(target=finish, daemon=True).start()
        start = time.monotonic()
    assert time.monotonic() - start < 3
    status, headers, body = found.get(timeout=5)
    connection.close()
    assert (status, json.loads(body)["size"], headers["Connection"]) == (200, 3, "close")
