import errno
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import cv2
import dash
import pytest
from typer.testing import CliRunner
from werkzeug.serving import make_server

from Dashboard import client
from Dashboard.app import create_app
from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT, RETAKE
from Dashboard.assess.service import Service
from Dashboard.assess.worth import clearance
from Dashboard.explain.jobs.engine import Jobs

Run = Callable[..., tuple[int, str, str]]


@contextmanager
def listening(app: dash.Dash) -> Iterator[str]:
    """The address of a dashboard on a free port of this machine."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def url(app: dash.Dash) -> Iterator[str]:
    with listening(app) as address:
        yield address


@pytest.fixture
def images(tmp_path: Path, encode: Callable[..., bytes]) -> dict[str, str]:
    paths = {}
    for kind in ("benign", "malignant", "blurred"):
        path = tmp_path / f"{kind}.png"
        path.write_bytes(encode(kind))
        paths[kind] = str(path)
    return paths


@pytest.fixture
def run() -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(client.application(), list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return call


def test_a_line_per_image(url: str, images: dict[str, str], run: Run) -> None:
    code, out, _ = run("--url", url, *images.values())
    assert code == 0
    lines = out.splitlines()
    found = f"{images['benign']}: {NO_APPOINTMENT} (Melanocytic nevi, 80%; malignant 9%)"
    assert lines[0] == f"{found}. {clearance(None)}"
    assert lines[1] == f"{images['malignant']}: {CONSULT} (Melanoma, 45%; malignant 75%)"
    assert lines[2].startswith(f"{images['blurred']}: {RETAKE}. Sharpness ")


def test_folders(url: str, images: dict[str, str], run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.doc").touch()
    (tmp_path / "notes.txt").touch()
    code, out, err = run("--url", url, images["malignant"], str(tmp_path))
    assert code == 0
    files = [line.partition(": ")[0] for line in out.splitlines()]
    assert files == [images["malignant"], images["benign"], images["blurred"]]
    assert "1 file is no picture by its content" in err
    assert err.endswith(f" and was left out: {tmp_path / 'a.doc'}\n")


def test_a_folder_without_images(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.heic").touch()
    code, out, err = run(str(tmp_path))
    assert (code, out) == (client.EXIT_USAGE, "")
    assert err.startswith("there is no image among the paths; 1 file is no picture by its content")


def test_json_lines(url: str, images: dict[str, str], run: Run) -> None:
    code, out, _ = run("--json", "--url", url, images["benign"], images["blurred"])
    good, poor = map(json.loads, out.splitlines())
    assert code == 0
    assert (good["file"], good["status"], good["code"]) == (images["benign"], 200, "nv")
    assert (poor["status"], poor["success"], poor["error"]) == (422, False, RETAKE)


def test_options_reach_the_server(url: str, images: dict[str, str], run: Run) -> None:
    _, out, _ = run("--json", "--url", url, "--model", "careful", "--no-gate", images["blurred"])
    answer = json.loads(out)
    assert (answer["model"], answer["gated"]) == ("careful", False)


@pytest.fixture(scope="module")
def explaining_url(make_service: Callable[..., Service], jobs: Jobs) -> Iterator[str]:
    """A dashboard with a worker that explains by a double."""
    service = make_service()
    with listening(create_app(service.config, service, jobs)) as url:
        yield url


def test_explanations_are_written(
    explaining_url: str, images: dict[str, str], run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    options = ("--url", explaining_url, "--explain", "--precision", "Low", "--out", str(out))
    code, text, _ = run(*options, images["benign"], images["malignant"], images["blurred"])
    assert code == 0
    assert f"malignant 9%), explained in {out / 'benign-gradcam.png'}" in text
    assert sorted(path.name for path in out.iterdir()) == [
        "benign-gradcam.png",
        "malignant-gradcam.png",
    ]
    drawn = cv2.imread(str(out / "benign-gradcam.png"))
    assert drawn.shape == (450, 600, 3)

    again = ("--json", "--method", "saliency", "--target", "malignant")
    _, text, _ = run(*options, *again, images["benign"])
    answer = json.loads(text)
    assert answer["explain"] == str(out / "benign-saliency.png")
    assert answer["explanation"]["target"] == "malignant"
    run(*options, images["benign"])
    assert (out / "benign-gradcam-2.png").is_file()  # what is there is not written over


def test_an_explanation_that_cannot_be_made(
    url: str, explaining_url: str, images: dict[str, str], run: Run
) -> None:
    code, out, err = run("--url", explaining_url, "--explain", "--method", "no", images["benign"])
    assert (code, out) == (client.EXIT_SOME_FAILED, "")
    assert "method must be one of gradcam, " in err
    code, _, err = run("--explain", "--out", "/nowhere", images["benign"])
    assert code == client.EXIT_USAGE
    assert "--out: there is no folder /nowhere" in err


def test_a_bad_file_does_not_stop_the_others(
    url: str, images: dict[str, str], run: Run, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("just text")
    code, out, err = run("--url", url, str(text), str(tmp_path / "gone.jpg"), images["benign"])
    assert code == client.EXIT_SOME_FAILED
    assert len(out.splitlines()) == 1
    assert "gone.jpg: It cannot be read: No such file or directory" in err
    assert "2 of 3 images could not be assessed" in err


def test_an_image_that_the_server_does_not_get_done_costs_no_other(
    images: dict[str, str], run: Run
) -> None:
    ended = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            ended.wait(30)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        code, _, err = run("--url", address, "--timeout", "0.2", *images.values())
        ended.set()
        server.shutdown()
    assert code == client.EXIT_SOME_FAILED
    assert err.count("It got no answer: no answer in time") == len(images)


def test_an_explanation_that_cannot_be_written_costs_no_answer(
    explaining_url: str, images: dict[str, str], run: Run, tmp_path: Path
) -> None:
    long = tmp_path / f"{'ü' * 100}.png"
    long.write_bytes(Path(images["benign"]).read_bytes())
    options = ("--url", explaining_url, "--explain", "--precision", "Low", "--out", str(tmp_path))
    code, out, _ = run(*options, str(long))
    assert (code, (tmp_path / f"{'ü' * 50}-gradcam.png").is_file()) == (0, True)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "replacing", full)
        code, out, err = run(*options, images["benign"])
    assert code == client.EXIT_SOME_FAILED
    assert NO_APPOINTMENT in out
    assert "its explanation cannot be written: No space left on device" in err


def test_a_file_that_is_too_large(
    url: str, images: dict[str, str], run: Run, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(9 * 2**20))
    code, out, _ = run("--json", "--url", url, str(large), images["benign"])
    assert code == client.EXIT_SOME_FAILED
    assert [json.loads(line)["status"] for line in out.splitlines()] == [413, 200]


def test_an_unreachable_server(images: dict[str, str], run: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, out, err = run("--url", f"http://127.0.0.1:{port}", images["benign"])
    assert code == client.EXIT_UNREACHABLE
    assert out == ""
    assert f"http://127.0.0.1:{port} cannot be reached: Connection refused" in err.replace(
        "\n", " "
    )


def test_another_kind_of_server(images: dict[str, str], run: Run) -> None:
    class Silent(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Silent) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        code, _, err = run("--url", f"http://127.0.0.1:{other.server_port}", images["benign"])
        other.shutdown()
        thread.join()
    assert code == client.EXIT_UNREACHABLE
    assert "not as the dashboard's API" in err.replace("\n", " ")


@pytest.mark.parametrize("arguments", [(), ("--precision", "Most", "a.jpg"), ("--unknown",)])
def test_wrong_use(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == client.EXIT_USAGE


@pytest.mark.parametrize("address", ["ftp://host", "http://", "file:///etc"])
def test_a_wrong_address(run: Run, address: str) -> None:
    code, _, err = run("--url", address, "a.jpg")
    assert code == client.EXIT_USAGE
    assert "url must be http://HOST:PORT" in err.replace("\n", " ")


@pytest.mark.parametrize("address", ["http://" + 70 * "a", "http://ho st", "http://.."])
def test_a_host_that_cannot_be(run: Run, address: str) -> None:
    code, _, err = run("--url", address, "a.jpg")
    assert (code, err) == (
        client.EXIT_USAGE,
        f"--url: url has no host of that name, got {address!r}\n",
    )


def test_an_interrupt_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "ask", pressed)
    code, _, err = run("a.jpg")
    assert (code, err.strip()) == (130, "Interrupted.")


def test_proxies_are_not_asked(
    url: str, images: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert run("--url", url, images["benign"])[0] == 0


def test_help_names_the_exit_codes(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "3 the server cannot be reached" in " ".join(out.split())
