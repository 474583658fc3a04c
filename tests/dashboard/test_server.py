"""The real server: gunicorn, its settings, and what only shows on a socket."""

import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT
from Dashboard.config import Config
from tests.dashboard.serving import Server, gunicorn

Encode = Callable[..., bytes]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As the contract starts it, but without its model: what works then, and what says so."""
    log = tmp_path_factory.mktemp("server") / "log"
    with gunicorn(repository / "Dashboard", log, "dash_ham:server", MODEL="absent") as running:
        yield running


def test_up_but_not_ready_without_a_model(server: Server, encode: Encode) -> None:
    assert server.call("GET", "/health") == (200, {"status": "ok"})
    status, body = server.call("GET", "/ready")
    assert (status, body["ready"], body["model"]) == (503, False, "absent")
    assert "MODEL: there is no checkpoint 'absent'" in server.log
    image = base64.b64encode(encode("benign")).decode()
    kind = {"Content-Type": "application/json"}
    status, body = server.call("POST", "/predict", json.dumps({"image": image}), kind)
    assert (status, body["success"]) == (503, False)
    status, body = server.call("POST", "/predict", json.dumps({"image": "YQ=="}), kind)
    assert (status, body["success"]) == (503, False)


def test_a_body_that_is_announced_too_long_is_not_read(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    response = connection.getresponse()  # although no body was sent
    assert response.status == 413
    assert "an image may have at most 15 MB" in json.loads(response.read())["error"]
    connection.close()


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_without_a_length_is_read_to_the_limit(server: Server, content_type: str) -> None:
    blocks = (bytes(2**20) for _ in range(25))
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head
        yield from blocks

    status, answer = server.call("POST", "/predict", body(), {"Content-Type": content_type})
    assert (status, answer["success"]) == (413, False), answer["error"]


def test_what_frames_the_chunks_of_a_body_does_not_count_as_its_length(server: Server) -> None:
    """Whoever sent a body just below the limit was told that it had not arrived whole."""
    limit = Config().max_body_bytes
    pieces = (b" " * 1000 for _ in range(limit // 1000))
    status, body = server.call("POST", "/predict", pieces, {"Content-Type": "application/json"})
    assert status == 400
    assert body["error"].startswith("the body is not valid JSON")


def test_a_body_in_pieces(server: Server, encode: Encode) -> None:
    text = json.dumps({"image": base64.b64encode(encode("pale")).decode(), "gate": "?"}).encode()
    pieces = (text[i : i + 5000] for i in range(0, len(text), 5000))
    status, body = server.call("POST", "/predict", pieces, {"Content-Type": "application/json"})
    assert (status, body["error"]) == (400, "gate must be true or false, got '?'")


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-5\r\nabcde\r\n", b"5\r\nabcdefgh", b"5;\x00\r\n"])
def test_a_malformed_body_is_the_clients_fault(server: Server, chunk: bytes) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert server.call("GET", "/health")[0] == 200


def test_a_large_body_is_answered_and_not_cut_off(server: Server) -> None:
    for _ in range(3):
        status, body = server.call(
            "POST", "/predict", bytes(40 * 2**20), {"Content-Type": "application/json"}
        )
        assert status == 413
        assert "at most 15 MB" in body["error"]
    status, _ = server.call("POST", "/predict", bytes(9 * 2**20), {"Content-Type": "text/plain"})
    assert status == 415


def test_the_log_names_the_request_and_nothing_of_its_content(
    server: Server, encode: Encode
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="patient-4711.png"'
    body = head + b"\r\n\r\n" + encode("pale") + b"\r\n--x--\r\n"
    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "User-Agent": "patient-4712",
        "Referer": "http://localhost/patient-4713",
    }
    server.call("POST", "/predict?name=patient-4714", body, headers)
    deadline = time.monotonic() + 10  # the line is written after the answer
    line = re.compile(r"^\[.*\] POST /predict 503 \d+ bytes \d+ ms$", re.MULTILINE)
    while not line.search(server.log):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)
    assert "patient" not in server.log
    assert "127.0.0.1 " not in server.log


def test_a_path_forges_no_line_of_the_log(server: Server) -> None:
    server.call("POST", "/%0A[forged]%1b[31m%9b")
    deadline = time.monotonic() + 10
    while "forged" not in server.log:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.05)
    assert "POST /\\n[forged]\\x1b[31m\\x9b 405" in server.log
    assert "\x1b" not in server.log


def test_slow_senders_hold_up_nobody(server: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    ends = [b"", b"Content-Length: 999999\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n"]
    with ExitStack() as held:
        for end in ends * 70:
            address = ("127.0.0.1", server.port)
            held.enter_context(socket.create_connection(address)).sendall(head + end)
        start = time.monotonic()
        assert server.call("GET", "/health")[0] == 200
        kind_of = {"Content-Type": "application/json"}
        assert server.call("POST", "/predict", b'{"image": "YQ=="}', kind_of)[0] == 503
        assert time.monotonic() - start < 5


def test_pages_and_their_files_are_served(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/")
    response = connection.getresponse()
    text = response.read().decode()
    assert response.status == 200
    assert "gunicorn" in (response.headers["Server"] or "")
    for address in re.findall(r'<script src="([^"]+)"', text):
        connection.request("GET", address)
        response = connection.getresponse()
        assert (response.status, len(response.read()) > 100) == (200, True)
    connection.close()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "Dashboard: PORT is 'http'; it must be a whole number from 1 to 65535"),
        ("GATE", "strict", "Dashboard: GATE is 'strict'; it must be one of classic, normalised"),
        ("BASE_PATH", "/models", "Dashboard: BASE_PATH is '/models'; the dashboard itself has"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    repository: Path, name: str, value: str, sentence: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", "dash_ham:server"],
        cwd=repository / "Dashboard",
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random resnet18 for 64x64 pictures in `weights`, its export in `cache`, and a `wsgi.py`."""
    import torch

    from models.checkpoint.card import Card
    from models.checkpoint.weights import save_checkpoint
    from models.export.export import export
    from models.registry.backbones import build_network
    from models.registry.preprocessing import Preprocessing
    from models.registry.taxonomy import HAM10000

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    card = Card(
        name="tiny",
        version="1",
        backbone="resnet18",
        taxonomy=HAM10000,
        preprocessing=Preprocessing(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        licence="MIT",
    )
    state = build_network("resnet18", 7).state_dict()
    save_checkpoint(folder / "weights" / "tiny", state, card)
    export("tiny", folder / "cache", root=folder / "weights")
    (folder / "wsgi.py").write_text(
        "from pathlib import Path\n"
        "from Dashboard.app import create_app\n"
        "from Dashboard.config import Config\n"
        "from Dashboard.assess.service import Service\n"
        "config = Config.from_env()\n"
        f"service = Service(config, root=Path({str(folder / 'weights')!r}))\n"
        "server = create_app(config, service).server\n"
    )
    return folder


@pytest.mark.torch
@pytest.mark.parametrize("workers", ["1", "2"])
def test_many_requests_at_once_to_a_real_model(
    repository: Path, tiny: Path, tmp_path: Path, encode: Encode, workers: str
) -> None:
    settings = {"MODEL": "tiny", "CACHE_DIR": str(tiny / "cache"), "WEB_CONCURRENCY": workers}
    config = str(repository / "Dashboard" / "gunicorn.conf.py")
    bodies = {
        kind: json.dumps({"image": base64.b64encode(encode(kind)).decode()})
        for kind in ("benign", "malignant", "pale")
    }

    def call(kind: str) -> tuple[str, int, Any]:
        answer = running.call(
            "POST", "/predict", bodies[kind], {"Content-Type": "application/json"}
        )
        return kind, *answer

    with gunicorn(tiny, tmp_path / "log", "-c", config, "wsgi:server", **settings) as running:
        for _ in range(8):  # whichever worker answers has its model
            assert running.call("GET", "/ready") == (200, {"ready": True, "model": "tiny"})
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(call, list(bodies) * 16))
    first: dict[str, Any] = {}
    for kind, status, body in answers:
        assert status == (422 if kind == "pale" else 200)
        body.pop("seconds", None)
        assert first.setdefault(kind, body) == body  # the same answer from every worker
    assert first["benign"]["model"] == "tiny"
    assert sum(first["benign"]["probabilities"].values()) == pytest.approx(1)
    assert first["benign"]["advice"] in (CONSULT, NO_APPOINTMENT)
