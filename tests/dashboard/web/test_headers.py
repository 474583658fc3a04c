import base64
import hashlib
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

PATHS = ["/", "/nowhere", "/health", "/ready", "/models", "/docs", "/predict"]
INLINE = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.DOTALL)


def directives(policy: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for words in map(str.split, policy.split(";"))}


def carries_the_headers(headers: Headers) -> None:
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] in ("no-store", "no-cache")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", PATHS)
def test_every_response_carries_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    carries_the_headers(headers)
    policy = directives(headers["Content-Security-Policy"])
    assert policy["default-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'unsafe-eval'" not in headers["Content-Security-Policy"]
    assert "http" not in headers["Content-Security-Policy"]


def test_a_script_carries_all_but_the_policy_which_is_its_pages(client: FlaskClient) -> None:
    headers = client.get("/docs/start.js").headers
    carries_the_headers(headers)
    assert "Content-Security-Policy" not in headers


def test_the_policy_covers_every_inline_script(client: FlaskClient) -> None:
    response = client.get("/")
    allowed = directives(response.headers["Content-Security-Policy"])["script-src"]
    scripts = [
        code
        for attributes, code in INLINE.findall(response.text)
        if "application/json" not in attributes
    ]
    assert scripts
    for code in scripts:
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert len(addresses) > 3
    for address in addresses:
        assert address.startswith("/")
        assert not address.startswith("//")
        with client.get(address) as response:
            assert response.status_code == 200


def test_answers_are_not_kept_and_files_are_checked(client: FlaskClient) -> None:
    assert client.post("/predict").headers["Cache-Control"] == "no-store"
    assert client.get("/").headers["Cache-Control"] == "no-store"
    with client.get("/docs/files/css/swagger-ui.css") as file:
        assert file.headers["Cache-Control"] == "no-cache"


def test_no_debugging(client: FlaskClient) -> None:
    assert not client.application.debug
    assert '"ui":false' in client.get("/").text.replace(" ", "")


def test_a_file_whose_address_changes_with_it_is_fetched_once(client: FlaskClient) -> None:
    text = client.get("/").text
    (address,) = re.findall(r'src="(/assets/worklist/worklist\.mjs\?m=[^"]+)"', text)
    with client.get(address) as file:
        assert file.headers["Cache-Control"] == "max-age=31536000, immutable"
    with client.get("/assets/none.css?m=1") as missing:
        assert missing.headers["Cache-Control"] == "no-store"
