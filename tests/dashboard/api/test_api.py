"""`POST /predict` with each kind of input, good and bad."""

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.assess.advice import POOR
from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT, RETAKE
from tests.dashboard.sending import as_form, as_json, refused

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
    "verdict",
    "certainty",
    "reasons",
    "second_opinion",
    "clearance",
    "at_prevalence",
    "dermatoscopic",
    "rule",
    "evidence",
    "gated",
    "quality",
    "model",
    "version",
    "prior",
    "seconds",
}


@pytest.mark.parametrize("send", [as_form, as_json])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_formats(client: FlaskClient, encode: Encode, send: Any, suffix: str) -> None:
    response = send(client, encode("benign", suffix))
    assert response.status_code == 200
    body = response.get_json()
    assert body.keys() == ANSWER
    assert (body["success"], body["code"], body["advice"]) == (True, "nv", NO_APPOINTMENT)
    assert body["in_distribution"] is None
    assert (body["verdict"], body["certainty"], body["reasons"]) == ("no_appointment", "clear", [])
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
    assert (body["verdict"], body["advice"], body["certainty"]) == ("none", None, "uncertain")
    assert body["reasons"] == [POOR]


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
    assert as_json(client, encode("benign"), target="malignant").status_code == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"method": "tarot"}, r"method must be one of gradcam, .*saliency.*, got 'tarot'"),
        ({"precision": "Most"}, r"precision must be one of Low, Medium, High, got 'Most'"),
        ({"target": "cat"}, r"target must be one of akiec, .*, vasc, malignant, got 'cat'"),
        ({"target": "nv", "model": "none"}, r"model: there is no checkpoint 'none'"),
    ],
)
@pytest.mark.parametrize("send", [as_form, as_json])
def test_fields_of_an_explanation_are_checked_without_one(
    client: FlaskClient, encode: Encode, send: Any, fields: dict[str, str], sentence: str
) -> None:
    assert re.match(sentence, refused(send(client, encode("benign"), **fields), 400))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_before_json(client: FlaskClient, encode: Encode, encoding: str) -> None:
    body = json.dumps({"image": base64.b64encode(encode("benign")).decode()}).encode(encoding)
    response = client.post("/predict", data=body, content_type="application/json")
    assert (response.status_code, response.get_json()["success"]) == (200, True)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not valid JSON"),
        (b"\xff\xfe\x00", "the body is not valid JSON"),
        (b"{", "the body is not valid JSON"),
        (b"\xff\xfe{}", "the body is not valid JSON"),
        (b"[" * 100_000, "the body is not valid JSON"),
        (b'{"image":' * 50_000, "the body is not valid JSON"),
        (b"[1]", "the body must be a JSON object, got an array"),
        (b"null", "the body must be a JSON object, got null"),
        (b"NaN", "the body must be a JSON object, got NaN"),
        (b'"text"', "the body must be a JSON object, got 'text'"),
        (b"{}", "image is missing"),
        (b'{"image": null}', "image must be the image file in base64, .*, got null$"),
        (b'{"image": true}', "image must be .*, got true"),
        (b'{"image": ""}', "image must be .*, got an empty string"),
        (b'{"image": 5}', "image must be .*, got a number"),
        (b'{"image": ["YQ=="]}', "image must be .*, got an array"),
        (b'{"image": {"a": "b"}}', "image must be .*, got an object"),
        (b'{"image": "####"}', "image is not base64"),
        (b'{"image": "YQ==", "gate": "false"}', "gate must be true or false, got 'false'"),
        (b'{"image": "YQ==", "gate": NaN}', "gate must be true or false, got NaN"),
        (b'{"image": "YQ==", "gate": 1}', "gate must be true or false, got 1"),
        (b'{"image": "YQ==", "precision": "low"}', "precision must be one of Low, Medium, High"),
        (b'{"image": "YQ==", "method": 7}', "method must be one of gradcam, .*saliency"),
        (b'{"image": "YQ==", "model": ["a"]}', "model must be the name .*, got an array"),
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
    assert "ends before its picture does" in refused(as_form(client, data[: len(data) // 2]), 400)


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


MULTIPART: dict[str, Any] = {"content_type": "multipart/form-data"}
FILE = '; filename="a.png"'


PARTS = (
    "the form has more than 32 parts; accepted are one image, as a file, and every other field once"
)
FIELD = (
    "a text field of the form is longer than 262,144 bytes, the most that is accepted; an image "
    "must be sent as a file"
)


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ([("image", FILE, 10)] * 40, 413, PARTS),
        ([("gate", "", 1)] * 33, 413, PARTS),
        ([("gate", "", 1)] * 31 + [("image", FILE, 10)], 400, "'gate' came 31 times; send it once"),
        ([("gate", "", 1)] * 31 + [("model", "", 300_000)], 413, FIELD),
        ([("image", "", 400_000)], 413, FIELD),
        ([("image", FILE, 10), ("model", "", 400_000)], 413, FIELD),
        (
            [("image", FILE, 3 * 2**20)],
            413,
            "the request is too large; an image may have at most 1 MB",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/explanations"])
def test_each_limit_of_a_form_has_its_sentence(
    client: FlaskClient, path: str, form: list[tuple[str, str, int]], status: int, sentence: str
) -> None:
    """A form of parts: name, what makes a file of it, and how many bytes it has."""
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        + b"1" * size
        + b"\r\n"
        for name, file, size in form
    )
    kind = "multipart/form-data; boundary=x"
    response = client.post(path, data=body + b"--x--\r\n", content_type=kind)
    assert refused(response, status) == sentence


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"],
)
def test_a_form_without_parts(client: FlaskClient, content_type: str) -> None:
    for rubbish in (b"rubbish", bytes(400_000)):
        response = client.post("/predict", data=b"--y\r\n" + rubbish, content_type=content_type)
        assert "got none" in refused(response, 400)
