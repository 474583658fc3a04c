"""`POST /predict` with each kind of input, good and bad, and its neighbours."""

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from Dashboard.messages import CONSULT, NO_APPOINTMENT, RETAKE

Encode = Callable[..., bytes]
ANSWER = {
    "success",
    "prediction",
    "code",
    "probability",
    "probabilities",
    "p_malignant",
    "in_distribution",
    "advice",
    "message",
    "gated",
    "quality",
    "model",
    "version",
    "prior",
    "seconds",
}


def as_form(client: FlaskClient, data: bytes, name: str = "a.png", **fields: str) -> TestResponse:
    """A form as bytes: Werkzeug's own client would put a large one into a temporary file."""
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    body += f'--x\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'.encode()
    body += b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--x--\r\n"
    return client.post("/predict", data=body, content_type="multipart/form-data; boundary=x")


def as_json(client: FlaskClient, data: bytes, **fields: Any) -> TestResponse:
    return client.post("/predict", json={"image": base64.b64encode(data).decode(), **fields})


def refused(response: TestResponse, status: int) -> str:
    assert response.status_code == status
    assert response.content_type == "application/json"
    body = response.get_json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    assert "\n" not in body["error"]
    assert "Traceback" not in body["error"]
    assert len(body["error"]) < 300
    return str(body["error"])


@pytest.mark.parametrize("send", [as_form, as_json])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_formats(client: FlaskClient, encode: Encode, send: Any, suffix: str) -> None:
    response = send(client, encode("benign", suffix))
    assert response.status_code == 200
    body = response.get_json()
    assert body.keys() == ANSWER
    assert (body["success"], body["code"], body["advice"]) == (True, "nv", NO_APPOINTMENT)
    assert body["in_distribution"] is None
    assert body["prior"] is None
    assert body["quality"]["verdict"] == "accept"
    assert {"laplacian_variance", "gamma", "brightness", "verdict", "reasons"} <= set(
        body["quality"]
    )


def test_a_data_url(client: FlaskClient, encode: Encode) -> None:
    url = "data:image/png;base64," + base64.b64encode(encode("malignant")).decode()
    body = client.post("/predict", json={"image": url}).get_json()
    assert (body["code"], body["advice"]) == ("mel", CONSULT)


@pytest.mark.parametrize("kind", ["blurred", "pale"])
@pytest.mark.parametrize("send", [as_form, as_json])
def test_poor_quality(client: FlaskClient, encode: Encode, send: Any, kind: str) -> None:
    response = send(client, encode(kind))
    assert response.status_code == 422
    body = response.get_json()
    assert body.keys() == {"success", "error", "quality"}
    assert (body["success"], body["error"]) == (False, RETAKE)
    assert body["quality"]["verdict"] == "reject"
    assert len(body["quality"]["reasons"]) >= 1


@pytest.mark.parametrize("value", ["false", "False", "0", "no", "off"])
def test_gate_off_in_a_form(client: FlaskClient, encode: Encode, value: str) -> None:
    body = as_form(client, encode("blurred"), gate=value).get_json()
    assert body["success"] is True
    assert body["gated"] is False
    assert body["quality"]["verdict"] == "reject"


def test_gate_off_in_json(client: FlaskClient, encode: Encode) -> None:
    assert as_json(client, encode("blurred"), gate=False).get_json()["gated"] is False


def test_model_choice(client: FlaskClient, encode: Encode) -> None:
    body = as_form(client, encode("benign"), model="careful").get_json()
    assert (body["model"], body["advice"]) == ("careful", CONSULT)
    error = refused(as_json(client, encode("benign"), model="x" * 100), 400)
    assert error.endswith("the checkpoints are: careful, plain")


def test_fields_of_an_explanation_are_taken(client: FlaskClient, encode: Encode) -> None:
    fields = {"precision": "High", "method": "saliency"}
    assert as_json(client, encode("benign"), explain=False, **fields).status_code == 200
    form = as_form(client, encode("benign"), explain="false", model="", **fields)
    assert form.status_code == 200


def test_explanations_come_later(client: FlaskClient, encode: Encode) -> None:
    for response in (
        as_json(client, encode("benign"), explain=True),
        as_form(client, encode("benign"), explain="true"),
    ):
        assert "not available in this version" in refused(response, 400)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not valid JSON"),
        (b"{", "the body is not valid JSON"),
        (b"\xff\xfe{}", "the body is not valid JSON"),
        (b"[" * 100_000, "the body is not valid JSON"),
        (b'{"image":' * 50_000, "the body is not valid JSON"),
        (b"[1]", "the body must be a JSON object, got a list"),
        (b"null", "the body must be a JSON object, got null"),
        (b"NaN", "the body must be a JSON object, got NaN"),
        (b'"text"', "the body must be a JSON object, got 'text'"),
        (b"{}", "image is missing"),
        (b'{"image": null}', "image must be the image file in base64"),
        (b'{"image": ""}', "image must be .*, got an empty text"),
        (b'{"image": 5}', "image must be .*, got int"),
        (b'{"image": {"a": "b"}}', "image must be .*, got dict"),
        (b'{"image": "####"}', "image is not base64"),
        (b'{"image": "YQ==", "gate": "false"}', "gate must be true or false, got 'false'"),
        (b'{"image": "YQ==", "gate": NaN}', "gate must be true or false, got NaN"),
        (b'{"image": "YQ==", "gate": 1}', "gate must be true or false, got 1"),
        (b'{"image": "YQ==", "precision": "low"}', "precision must be one of Low, Medium, High"),
        (b'{"image": "YQ==", "method": 7}', "method must be the name of an explanation method"),
        (b'{"image": "YQ==", "model": ["a"]}', "model must be the name .*, got a list"),
        (
            b'{"image": "YQ==", "colour": 1}',
            "there is no field 'colour'; the fields are image, gate,",
        ),
    ],
)
def test_bad_json(client: FlaskClient, body: bytes, sentence: str) -> None:
    response = client.post("/predict", data=body, content_type="application/json")
    assert re.search(sentence, refused(response, 400))


def test_long_values_are_not_repeated(client: FlaskClient) -> None:
    secret = "S" * 5000
    for body in (
        {"image": secret + "#"},
        {"image": [secret]},
        {"image": "YQ==", "gate": secret},
        {"image": "YQ==", "model": secret},
        {"image": "YQ==", secret: 1},
    ):
        assert "S" * 50 not in refused(client.post("/predict", json=body), 400)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"just text", 415),
        (b"%PDF-1.4 \n%\xe2\xe3", 415),
        (b"GIF89a" + b"\0" * 40, 415),
    ],
)
def test_files_that_are_no_image(client: FlaskClient, data: bytes, status: int) -> None:
    refused(as_form(client, data, "photo.jpg"), status)
    if data:
        refused(as_json(client, data), status)


def test_a_truncated_image(client: FlaskClient, encode: Encode) -> None:
    data = encode("benign", ".jpg")
    assert "damaged, incomplete" in refused(as_form(client, data[: len(data) // 2]), 400)


def test_too_many_bytes_or_pixels(client: FlaskClient, encode: Encode) -> None:
    assert "bytes" in refused(as_form(client, encode("benign") + b"\0" * 2**20), 413)
    assert "an image may have at most 1 MB" in refused(as_form(client, b"\0" * 3 * 2**20), 413)
    assert "an image may have at most 1 MB" in refused(as_json(client, b"\0" * 3 * 2**20), 413)
    bomb = b"BM" + (54).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    bomb += b"".join(n.to_bytes(4, "little") for n in (40, 30_000, 30_000)) + bytes(2)
    bomb = bomb[:26] + b"\1\0\x18\0" + bytes(24)
    assert "pixels" in refused(as_form(client, bomb), 413)


@pytest.mark.parametrize(
    "content_type",
    ["", "image/jpeg", "text/plain", "application/x-www-form-urlencoded", "x" * 500],
)
def test_other_content_types(client: FlaskClient, encode: Encode, content_type: str) -> None:
    response = client.post("/predict", data=encode("benign"), content_type=content_type)
    assert refused(response, 415).endswith("send application/json or multipart/form-data")


def test_forms_that_are_wrong(client: FlaskClient, encode: Encode) -> None:
    image = encode("benign")
    post = client.post
    assert "got none" in refused(post("/predict", data={"gate": "true"}, **MULTIPART), 400)
    assert "must be a file" in refused(post("/predict", data={"image": "YQ=="}, **MULTIPART), 400)
    two = {"image": [(io.BytesIO(b"1"), "a.png"), (io.BytesIO(b"2"), "b.png")]}
    assert "one file, got 2" in refused(post("/predict", data=two), 400)
    other = {"file": (io.BytesIO(b"1"), "a.png")}
    assert "'file' is not a file field" in refused(post("/predict", data=other), 400)
    twice = {"image": (io.BytesIO(b"1"), "a.png"), "gate": ["true", "false"]}
    assert "'gate' came 2 times" in refused(post("/predict", data=twice), 400)
    assert "no field 'colour'" in refused(as_form(client, image, colour="red"), 400)
    assert "gate must be true or false, got 'maybe'" in refused(
        as_form(client, image, gate="maybe"), 400
    )
    refused(as_form(client, image, method="m" * 300_000), 413)
    many = {f"f{i}": "x" for i in range(50)}
    refused(post("/predict", data=many, **MULTIPART), 413)


MULTIPART: dict[str, Any] = {"content_type": "multipart/form-data"}


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"],
)
def test_a_form_without_parts(client: FlaskClient, content_type: str) -> None:
    response = client.post("/predict", data=b"--y\r\nrubbish", content_type=content_type)
    assert "got none" in refused(response, 400)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
def test_wrong_method(client: FlaskClient, method: str) -> None:
    response = client.open("/predict", method=method)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert refused(response, 405) == f"{method} is not accepted here; accepted: POST, OPTIONS"


@pytest.mark.parametrize("path", ["/health", "/ready", "/models", "/openapi.json", "/docs"])
def test_other_paths_only_answer(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert "accepted: GET" in refused(client.post(path), 405)


@pytest.mark.parametrize("path", ["/predict/", "/predict/1", "/health/x", "/models/plain"])
def test_unknown_paths_of_the_api(client: FlaskClient, path: str) -> None:
    refused(client.get(path), 404)
    refused(client.post(path), 404)


def test_an_unknown_path_is_a_404_for_machines_and_a_page_for_people(client: FlaskClient) -> None:
    refused(client.post("/nowhere"), 405)
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.mimetype == "text/html"


def test_health_and_models(client: FlaskClient) -> None:
    assert client.get("/health").get_json() == {"status": "ok"}
    assert client.get("/ready").get_json() == {"ready": True, "model": "plain"}
    body = client.get("/models").get_json()
    assert body["default"] == "plain"
    assert [entry["name"] for entry in body["models"]] == ["plain", "careful"]


def test_ready_only_once_the_model_is_loaded(make_service: Any) -> None:
    from Dashboard.api import create_server

    service = make_service(model="gone")
    client = create_server(service.config, service).test_client()
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.get_json()["ready"] is False
    failed = client.post("/predict", json={"image": "YQ=="})
    assert "MODEL: there is no checkpoint 'gone'" in refused(failed, 503)


def test_a_failure_of_the_server_says_nothing_of_its_inside(
    make_service: Any, encode: Encode
) -> None:
    from Dashboard.api import create_server

    service = make_service()
    service._load = lambda name: 1 / 0
    client = create_server(service.config, service).test_client()
    assert "its log says why" in refused(as_form(client, encode("benign")), 500)


def test_description(client: FlaskClient) -> None:
    spec = json.loads(client.get("/openapi.json").data)
    assert spec["openapi"].startswith("3.")
    assert spec["paths"].keys() == {"/predict", "/health", "/ready", "/models"}
    predict = spec["paths"]["/predict"]["post"]
    assert predict["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert predict["responses"].keys() == {"200", "400", "413", "415", "422", "503"}
