"""Ways to send an image to the API's test client, and what every refusal has in common."""

import base64
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def as_form(
    client: FlaskClient, data: bytes, name: str = "a.png", path: str = "/predict", **fields: str
) -> TestResponse:
    """A form as bytes: Werkzeug's own client would put a large one into a temporary file."""
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    body += f'--x\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'.encode()
    body += b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--x--\r\n"
    return client.post(path, data=body, content_type="multipart/form-data; boundary=x")


def as_json(
    client: FlaskClient, data: bytes, path: str = "/predict", **fields: Any
) -> TestResponse:
    return client.post(path, json={"image": base64.b64encode(data).decode(), **fields})


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
