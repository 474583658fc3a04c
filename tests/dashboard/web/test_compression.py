import gzip
import re

import pytest
from flask.testing import FlaskClient

STYLE = "/docs/files/css/swagger-ui.css"
GZIP = {"Accept-Encoding": "gzip, br"}


def script(client: FlaskClient) -> str:
    return next(
        address
        for address in re.findall(r'<script src="([^"]+)"', client.get("/").text)
        if "dash_renderer" in address
    )


@pytest.mark.parametrize("style", [True, False])
def test_files_are_compressed_for_those_who_can_read_it(client: FlaskClient, style: bool) -> None:
    address = STYLE if style else script(client)
    with client.get(address) as plain, client.get(address, headers=GZIP) as packed:
        assert plain.content_encoding is None
        assert packed.content_encoding == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert packed.content_length == len(packed.data) < len(plain.data) / 2
        assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", [STYLE, "/_dash-component-suites/dash_ag_grid/async-community.js"])
def test_a_compressed_file_can_be_asked_for_again(client: FlaskClient, path: str) -> None:
    with client.get(path, headers=GZIP) as first:
        tag = first.headers["ETag"]
    assert tag.startswith("W/")
    with client.get(path, headers=GZIP | {"If-None-Match": tag}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_what_dash_draws_is_compressed_for_those_who_can_read_it(client: FlaskClient) -> None:
    plain = client.get("/_dash-dependencies")
    packed = client.get("/_dash-dependencies", headers=GZIP)
    assert plain.content_encoding is None
    assert packed.content_encoding == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["Cache-Control"] == "no-store"


def test_a_page_is_compressed(client: FlaskClient) -> None:
    plain, packed = client.get("/"), client.get("/", headers=GZIP)
    assert packed.content_encoding == "gzip"
    # It names the token of a visit, another one each time.
    assert len(gzip.decompress(packed.data)) == len(plain.data) > 2 * len(packed.data)
    assert packed.headers["Cache-Control"] == plain.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health", "/models", "/openapi.json"])
def test_answers_are_left_as_they_are(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=GZIP)
    assert response.content_encoding is None


def test_part_of_a_file_is_sent_as_it_is(client: FlaskClient) -> None:
    with client.get(STYLE, headers=GZIP | {"Range": "bytes=0-99"}) as response:
        assert (response.status_code, len(response.data)) == (206, 100)
        assert response.content_encoding is None
