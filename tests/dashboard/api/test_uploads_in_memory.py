"""Nothing that is uploaded is written to disk or named in a log."""

import base64
import builtins
import logging
import os
import tempfile
from collections.abc import Callable
from typing import Any

import dash
import numpy as np
import pytest

from Dashboard.app import create_app

MARK = b"patient-4711"


@pytest.fixture(scope="module")
def large_app(make_service: Callable[..., Any]) -> dash.Dash:
    """With the default limit of 15 MB, and its model loaded before the disk is forbidden."""
    service = make_service()
    service.warm_up()
    app = create_app(service.config, service)
    app.server.test_client().get("/")
    return app


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file opened for writing fails the test."""
    real_open, real_os_open = builtins.open, os.open

    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"a temporary file was made: {args} {kwargs}")

    def guarded(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        assert not set(mode) & set("wax+"), f"{file} was opened with mode {mode}"
        return real_open(file, mode, *args, **kwargs)

    def guarded_os(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), f"{path} was opened to write"
        return real_os_open(path, flags, *args, **kwargs)

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    monkeypatch.setattr("werkzeug.formparser.default_stream_factory", forbidden)
    monkeypatch.setattr(builtins, "open", guarded)
    monkeypatch.setattr(os, "open", guarded_os)


def form(data: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="' + MARK + b'.bmp"'
    return head + b"\r\nContent-Type: image/bmp\r\n\r\n" + data + b"\r\n--x--\r\n"


CONTENTS = {
    "noise": np.random.default_rng(0).integers(0, 256, 9 * 2**20, np.uint8).tobytes(),
    "line ends": b"\r\n" * 2**20,
    "dashes": b"--" * 2**20,
    "half boundaries": b"\r\n--" * 2**19,
    "zeros": bytes(9 * 2**20),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_large_forms_stay_in_memory(large_app: dash.Dash, no_disk: None, kind: str) -> None:
    response = large_app.server.test_client().post(
        "/predict", data=form(CONTENTS[kind]), content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code == 415  # read whole, and no image


def test_a_large_image_in_a_form_is_assessed(
    large_app: dash.Dash, no_disk: None, encode: Callable[..., bytes]
) -> None:
    data = encode("benign", ".bmp") + bytes(9 * 2**20)
    response = large_app.server.test_client().post(
        "/predict", data=form(data), content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code == 200


def test_large_json_stays_in_memory(
    large_app: dash.Dash, no_disk: None, encode: Callable[..., bytes]
) -> None:
    text = base64.b64encode(encode("benign", ".bmp")).decode()
    response = large_app.server.test_client().post("/predict", json={"image": text})
    assert response.status_code == 200


def test_nothing_is_logged(
    large_app: dash.Dash, encode: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("werkzeug").setLevel(logging.DEBUG)
    client = large_app.server.test_client()
    kind = {"content_type": "multipart/form-data; boundary=x"}
    for data in (encode("benign"), encode("blurred"), MARK, b"", encode("benign")[:500]):
        client.post("/predict", data=form(data), **kind)  # type: ignore[arg-type]
    client.post("/predict", json={"image": MARK.decode()})
    client.post("/predict", json={"image": "YQ==", "model": MARK.decode()})
    assert MARK.decode() not in caplog.text
    assert caplog.text.count("\n") < 20
