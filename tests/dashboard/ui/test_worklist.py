"""What the worklist asks of the store: a stretch of rows, and the same list as a table."""

import csv
import io
from collections.abc import Callable

import dash
import pytest
from flask.testing import FlaskClient

from Dashboard.ui.worklist import callbacks, where
from Dashboard.ui.worklist.table import where_model
from tests.dashboard.sending import as_form


@pytest.mark.parametrize(
    ("search", "files"),
    [
        ("", ["b,ü.png", "a.png"]),
        ("?sort=file", ["a.png", "b,ü.png"]),
        ("?verdict=consultation", ["b,ü.png"]),
        ("?text=B%2C%C3%BC", ["b,ü.png"]),
    ],
)
def test_all_that_the_filter_shows_is_exported(
    app: dash.Dash,
    client: FlaskClient,
    encode: Callable[..., bytes],
    search: str,
    files: list[str],
) -> None:
    for kind, file in (("benign", "a.png"), ("malignant", "b,ü.png")):
        as_form(client, encode(kind), file, "/assessments")
    cookie = client.get_cookie("lesions_session")
    assert cookie
    request = {"startRow": 0, "endRow": 1, "filterModel": where_model(search)}
    with app.server.test_request_context("/", headers={"X-Session-Token": cookie.value}):
        found, _, said, _, href, is_hidden = callbacks.rows(request)
    assert len(found["rowData"]) == 1  # of those in view
    assert said.startswith(f"{len(files)} picture")
    assert not is_hidden
    table = io.StringIO(client.get(href).get_data(as_text=True), newline="")
    assert [line["file"] for line in csv.DictReader(table)] == files


def test_an_empty_list_has_nothing_to_export(app: dash.Dash) -> None:
    with app.server.test_request_context("/"):
        *_, is_hidden = callbacks.rows({"filterModel": {}})
    assert is_hidden


def test_an_address_that_makes_no_sense_is_not_passed_on() -> None:
    said = where.read({"since": "20261127", "text": "a\nb", "until": "2026-11-27", "flag": "yes"})
    assert said == {"until": "2026-11-27"}
