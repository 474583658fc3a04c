"""`/assessments`: what is kept for whom, and every refusal in a sentence."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import dash
import numpy as np
import pytest
from flask.testing import FlaskClient

import quality
from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.items import TABLE_COLUMNS
from Dashboard.store.sessions import COOKIE, HEADER, Sessions
from Dashboard.store.store import Store
from tests.dashboard.sending import as_form, as_json, refused

Encode = Callable[..., bytes]
MakeClient = Callable[[], FlaskClient]
PATH = "/assessments"


@pytest.fixture(scope="module")
def make_client(
    make_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeClient]:
    """Makes browsers that have not been here before."""
    service = make_service(data_dir=tmp_path_factory.mktemp("data"))
    server = create_server(service.config, service)
    yield server.test_client
    server.extensions["store"].close()


@pytest.fixture
def store(visitor: FlaskClient) -> Store:
    found: Store = visitor.application.extensions["store"]
    return found


@pytest.fixture
def visitor(make_client: MakeClient) -> FlaskClient:
    return make_client()


@pytest.fixture
def kept(visitor: FlaskClient, encode: Encode) -> dict[str, Any]:
    body: dict[str, Any] = as_form(visitor, encode("malignant"), "a/b.png", PATH).get_json()
    return body


@pytest.mark.parametrize("send", [as_form, as_json])
@pytest.mark.parametrize(("kind", "status"), [("benign", 200), ("pale", 422)])
def test_the_answer_is_that_of_predict_and_where_it_is_kept(
    visitor: FlaskClient, encode: Encode, send: Any, kind: str, status: int
) -> None:
    data = encode(kind)
    plain, kept = send(visitor, data).get_json(), send(visitor, data, path=PATH, file="L/x.png")
    body = kept.get_json()
    assert kept.status_code == status
    drawn = {"malignant_share", "activation"} if status == 200 else set()
    assert body.keys() == plain.keys() | {"id", "created", "file"} | drawn
    assert body["file"] == "L/x.png"
    found = visitor.get(f"{PATH}/{body['id']}").get_json()
    assert found["answer"] == {name: body[name] for name in plain.keys() | drawn}
    (listed,) = visitor.get(PATH).get_json()["assessments"]
    assert listed == {name: found[name] for name in listed}
    picture = visitor.get(f"{PATH}/{body['id']}/picture")
    assert (picture.data, picture.mimetype) == (data, "image/png")
    assert picture.headers["Cache-Control"] == "no-store"


def test_predict_keeps_nothing(visitor: FlaskClient, encode: Encode, store: Store) -> None:
    before = sorted(store.place.folder.rglob("*"))
    assert as_form(visitor, encode("benign")).status_code == 200
    assert visitor.get_cookie(COOKIE) is None
    assert visitor.get(PATH).get_json()["total"] == 0
    assert sorted(store.place.folder.rglob("*")) == before


def test_nobody_else_can_tell_that_it_is_there(
    make_client: MakeClient, kept: dict[str, Any]
) -> None:
    other = make_client()
    one = f"{PATH}/{kept['id']}"
    for response in (
        other.get(one),
        other.get(f"{one}/picture"),
        other.patch(one, json={"note": "x"}),
        other.delete(one),
        other.get(f"{PATH}/{'A' * 22}"),
    ):
        assert refused(response, 404).startswith("there is no such assessment")
    assert other.get(PATH).get_json()["assessments"] == []


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(
    make_client: MakeClient, encode: Encode
) -> None:
    visitor = make_client()
    response = visitor.get(PATH, base_url="https://localhost")
    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    token = cookie.split(";")[0].removeprefix(f"{COOKIE}=")
    assert "Set-Cookie" not in visitor.get(PATH, base_url="https://localhost").headers
    # A program without a jar of cookies says the same in a header.
    program, asked = make_client(), {HEADER: token}
    body = {"image": (io.BytesIO(encode("benign")), "b.png")}
    assert program.post(PATH, data=body, headers=asked).status_code == 200
    listed = visitor.get(PATH, base_url="https://localhost").get_json()
    assert [one["file"] for one in listed["assessments"]] == ["b.png"]
    assert program.get(PATH, headers=asked).get_json() == listed


def test_the_session_comes_with_the_page(app: dash.Dash, encode: Encode) -> None:
    """So what a page sends at once, before any answer is there, belongs to one session."""
    browser = app.server.test_client()
    assert COOKIE in str(browser.get("/").headers.getlist("Set-Cookie"))
    assert COOKIE not in str(browser.get("/").headers.getlist("Set-Cookie"))
    assert "Set-Cookie" not in as_form(browser, encode("benign"), path=PATH).headers
    assert browser.get(PATH).get_json()["total"] == 1


def test_a_page_without_its_session_is_a_page(
    app: dash.Dash, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Sessions) -> str:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(Sessions, "owner", broken)
    assert app.server.test_client().get("/").status_code == 200


@pytest.mark.parametrize(
    "change", [lambda t: t[:-43] + "A" * 43, lambda t: "." + t[1:], lambda _: "x"]
)
def test_a_session_that_the_server_did_not_make(
    make_client: MakeClient, change: Callable[[str], str]
) -> None:
    visitor = make_client()
    visitor.get(PATH)
    cookie = visitor.get_cookie(COOKIE)
    assert cookie is not None
    wrong = change(cookie.value)
    sentence = refused(make_client().get(PATH, headers={HEADER: wrong}), 401)
    assert sentence.startswith(f"{HEADER} is not, or no longer, the value of a session cookie")
    other = make_client()
    other.set_cookie(COOKIE, wrong)
    assert "Set-Cookie" in other.get(PATH).headers  # a new one, and nothing to see


def test_a_list_in_parts_and_by_filters(visitor: FlaskClient, encode: Encode) -> None:
    for number, kind in enumerate(("benign", "malignant", "pale", "benign")):
        as_form(visitor, encode(kind), f"{number}.png", PATH)
    first = visitor.get(f"{PATH}?limit=3").get_json()
    rest = visitor.get(PATH, query_string={"limit": 3, "after": first["next"]}).get_json()
    files = [one["file"] for one in first["assessments"] + rest["assessments"]]
    assert (files, first["total"], rest["next"]) == (["3.png", "2.png", "1.png", "0.png"], 4, None)
    for query, expected in (
        ("verdict=no_appointment", ["3.png", "0.png"]),
        ("code=mel", ["1.png"]),
        ("text=2.P", ["2.png"]),
        ("since=2100-01-01", []),
        ("until=2100-01-01T00:00Z&since=1999-12-31T23:59:59.5%2B02:00", files),
    ):
        found = visitor.get(f"{PATH}?{query}").get_json()
        assert [one["file"] for one in found["assessments"]] == expected
        assert found["total"] == len(expected)


def test_a_list_as_a_table(visitor: FlaskClient, encode: Encode) -> None:
    for kind, file in (("malignant", "=1+1/ü.png"), ("pale", "b.png")):
        as_form(visitor, encode(kind), path=PATH, file=file)
    first = visitor.get(PATH).get_json()["assessments"][1]
    words = {"note": 'a,b\n"c"', "lesion": {"name": "L1"}}
    visitor.patch(f"{PATH}/{first['id']}", json=words)
    response = visitor.get(f"{PATH}?format=csv&limit=1")
    assert response.content_type == "text/csv; charset=utf-8"
    pale, malignant = csv.DictReader(io.StringIO(response.get_data(as_text=True), newline=""))
    assert tuple(pale) == TABLE_COLUMNS
    assert (pale["file"], pale["verdict"], pale["code"]) == ("b.png", "retake", "")
    assert malignant.items() >= {
        "file": "'=1+1/ü.png", "folder": "'=1+1", "verdict": "consultation", "code": "mel",
        "mel": "0.45", "id": first["id"], "note": words["note"], "lesion": "L1", "flag": "false",
    }.items()  # fmt: skip
    response = visitor.get(f"{PATH}?format=csv&verdict=none")
    assert response.get_data(as_text=True) == ",".join(TABLE_COLUMNS) + "\r\n"


def test_the_most_urgent_first(visitor: FlaskClient, encode: Encode) -> None:
    for number, kind in enumerate(("malignant", "benign", "pale")):
        as_form(visitor, encode(kind), f"{number}.png", PATH)
    first = visitor.get(f"{PATH}?sort=urgent&limit=1").get_json()
    rest = visitor.get(f"{PATH}?sort=urgent&after={first['next']}").get_json()
    files = [one["file"] for one in first["assessments"] + rest["assessments"]]
    assert files == ["0.png", "2.png", "1.png"]
    assert "sorted alike" in refused(visitor.get(f"{PATH}?after={first['next']}"), 400)
    lines = visitor.get(f"{PATH}?sort=urgent&format=csv").get_data(as_text=True).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == files


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("verdict=bad", "verdict must be one of retake, consultation, .*, got 'bad'"),
        ("limit=501", "limit must be a whole number from 1 to 500, got '501'"),
        ("since=yesterday", "since must be a date or a time such as .*, got 'yesterday'"),
        ("until=2026-13-01", "until must be a date or a time"),
        ("since=2026-02-30T25:00", "since must be a date or a time"),
        ("after=1", "after must be the `next` of an answer"),
        ("lesion=%00", "lesion must be the name of a lesion"),
        ("lesoin=L1", "there is no field 'lesoin'; the fields are .*verdict, code, .*lesion"),
        ("code=nv&code=mel", "'code' came 2 times; send it once"),
    ],
)
def test_what_is_wrong_with_a_list(visitor: FlaskClient, query: str, sentence: str) -> None:
    assert re.match(sentence, refused(visitor.get(f"{PATH}?{query}"), 400))


def test_a_clinicians_words_and_their_history(visitor: FlaskClient, kept: dict[str, Any]) -> None:
    one = f"{PATH}/{kept['id']}"
    words = {"clinician_verdict": "no_appointment", "note": "Grüße\n2", "flag": True}
    lesion = {"name": "L1", "age_band": "40-49", "sex": "female", "histology": "nv"}
    found = visitor.patch(one, json=words | {"lesion": lesion}).get_json()
    assert found.items() >= {**words, "lesion": {"body_site": None, **lesion}}.items()
    assert [change["field"] for change in found["history"]] == [
        "clinician_verdict", "note", "flag", "lesion"
    ]  # fmt: skip
    again = visitor.patch(one, json={"clinician_verdict": None}).get_json()
    assert (again["clinician_verdict"], again["note"]) == (None, "Grüße\n2")
    assert visitor.get(one).get_json() == again
    assert visitor.get(f"{PATH}?lesion=L1").get_json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is not valid JSON"),
        (b"[]", "the body must be a JSON object, got an array"),
        (b'{"verdict": "none"}', "there is no field 'verdict'; the fields are clinician_verdict,"),
        (b'{"clinician_verdict": "none"}', "clinician_verdict must be one of retake, .*'none'"),
        (b'{"flag": 1}', "flag must be true or false, got 1"),
        (b'{"note": null}', "note must be a text of at most 4000 characters, got null"),
        (b'{"note": "\\u0000"}', "note must be a text of at most 4000 characters"),
        (b'{"note": "' + b"n" * 4001 + b'"}', "note must be a text of at most 4000 characters"),
        (b'{"lesion": "L1"}', "lesion must be an object with the name of a lesion, or null"),
        (b'{"lesion": {}}', "lesion.name is missing; it must be at most 64 characters"),
        (b'{"lesion": {"name": ""}}', "lesion.name must be at most 64 characters"),
        (b'{"lesion": {"name": "a", "sex": "f"}}', "lesion.sex must be one of female, male"),
        (b'{"lesion": {"name": "a", "x": 1}}', "there is no field 'lesion.x'; .*lesion.histology"),
    ],
)
def test_what_is_wrong_with_a_change(
    visitor: FlaskClient, kept: dict[str, Any], body: bytes, sentence: str
) -> None:
    one = f"{PATH}/{kept['id']}"
    response = visitor.patch(one, data=body, content_type="application/json")
    assert re.match(sentence, refused(response, 400))
    assert visitor.get(one).get_json()["history"] == []
    assert "application/json" in refused(visitor.patch(one, data=body), 415)


def test_deleting(visitor: FlaskClient, encode: Encode) -> None:
    keys = [as_form(visitor, encode("benign"), path=PATH).get_json()["id"] for _ in range(3)]
    visitor.patch(f"{PATH}/{keys[0]}", json={"lesion": {"name": "L1"}})
    assert visitor.delete(f"{PATH}/{keys[1]}").get_json() == {"success": True, "deleted": 1}
    assert refused(visitor.delete(f"{PATH}/{keys[1]}"), 404) == "there is no such assessment"
    # A word that is spelt wrong must not delete everything.
    assert "no field 'lesions'" in refused(visitor.delete(f"{PATH}?lesions=L1"), 400)
    assert "no field 'verdict'" in refused(visitor.delete(f"{PATH}?verdict=none"), 400)
    assert visitor.delete(f"{PATH}?lesion=L1").get_json()["deleted"] == 1
    assert visitor.get(PATH).get_json()["total"] == 1
    assert visitor.delete(PATH).get_json()["deleted"] == 1
    assert visitor.delete(PATH).get_json()["deleted"] == 0


@pytest.mark.parametrize(("error", "status"), [(StoreFull, 507), (StoreUnavailable, 503)])
def test_a_store_that_cannot(
    visitor: FlaskClient,
    encode: Encode,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    status: int,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error("why")

    monkeypatch.setattr(store, "keep", fail)
    assert refused(as_form(visitor, encode("benign"), path=PATH), status) == "why"


def test_methods_of_the_paths(visitor: FlaskClient) -> None:
    assert "accepted: GET, HEAD, PATCH, DELETE" in refused(visitor.post(f"{PATH}/x"), 405)
    assert "accepted: GET, HEAD, POST, PATCH, DELETE" in refused(visitor.put(PATH), 405)
    refused(visitor.get(f"{PATH}/x/y"), 404)
    refused(visitor.get(f"{PATH}/{'x' * 65}"), 400)
    assert json.loads(visitor.get("/openapi.json").data)["paths"][PATH].keys() == {
        "get", "post", "patch", "delete"
    }  # fmt: skip


def test_the_map_behind_an_answer(
    visitor: FlaskClient, kept: dict[str, Any], encode: Encode, make_client: MakeClient
) -> None:
    body = visitor.get(f"{PATH}/{kept['id']}/map").get_json()
    drawn = body["map"]
    assert (drawn["width"], drawn["height"], drawn["signed"]) == (192, 144, True)
    levels = np.frombuffer(base64.b64decode(drawn["values"]), np.int8).reshape(144, 192)
    assert (levels[0, 0], levels[-1, 0], levels[0, -1]) == (127, -63, 0)  # `conftest.activation`
    assert body["label"] == "Red speaks for Melanoma, blue against it."
    assert {len(base64.b64decode(table)) for table in body["colours"].values()} == {4 * 255}
    other = visitor.get(f"{PATH}/{kept['id']}/map?target=nv").get_json()
    assert other["map"]["limit"] == pytest.approx(drawn["limit"] * 6 / 5, rel=0.02)
    for query in ("target=plum", "target=nv&target=mel", "more=1"):
        refused(visitor.get(f"{PATH}/{kept['id']}/map?{query}"), 400)
    pale = as_form(visitor, encode("pale"), path=PATH).get_json()["id"]
    assert visitor.get(f"{PATH}/{pale}/map").get_json()["map"] is None
    refused(make_client().get(f"{PATH}/{kept['id']}/map"), 404)


def test_a_picture_that_every_browser_shows(visitor: FlaskClient, encode: Encode) -> None:
    key = as_form(visitor, encode("benign", ".tiff"), path=PATH).get_json()["id"]
    response = visitor.get(f"{PATH}/{key}/view.jpg")
    assert (response.mimetype, response.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    assert quality.decode(response.data).shape == (450, 600, 3)
    small = visitor.get(f"{PATH}/{key}/view.jpg?max=120").data
    assert quality.decode(small).shape == (90, 120, 3)
    for query in ("max=5000", "max=1", "max=x", "max=99&max=98", "more=1"):
        refused(visitor.get(f"{PATH}/{key}/view.jpg?{query}"), 400)
    refused(visitor.application.test_client().get(f"{PATH}/{key}/view.jpg"), 404)
