"""What the worklist asks of `/assessments`: numbered pages, many at once, zip archives."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from tests.dashboard.sending import as_form, as_json, refused

Encode = Callable[..., bytes]
PATH = "/assessments"
MOST = 2**20  # of an image


@pytest.fixture(scope="module")
def make_client(
    make_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], FlaskClient]]:
    """Makes browsers that have not been here before."""
    service = make_service(data_dir=tmp_path_factory.mktemp("data"), max_upload_mb=1)
    server = create_server(service.config, service)
    yield server.test_client
    server.extensions["store"].close()


@pytest.fixture
def visitor(make_client: Callable[[], FlaskClient]) -> FlaskClient:
    return make_client()


@pytest.fixture
def three(visitor: FlaskClient, encode: Encode) -> dict[str, str]:
    """The ids of three assessments by their files."""
    kinds = {"b.png": "benign", "c.png": "malignant", "A.png": "pale"}
    answers = {
        file: as_form(visitor, encode(kind), file, PATH).get_json() for file, kind in kinds.items()
    }
    return {file: answer["id"] for file, answer in answers.items()}


def packed(files: Mapping[str, bytes], way: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def files_of(visitor: FlaskClient, query: str = "") -> list[str]:
    return [one["file"] for one in visitor.get(PATH + query).get_json()["assessments"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sort=urgent&start=0", ["c.png", "A.png", "b.png"]),
        ("sort=urgent&start=1&limit=1", ["A.png"]),
        ("sort=file", ["A.png", "b.png", "c.png"]),
        ("sort=file&descending=true", ["c.png", "b.png", "A.png"]),
        ("sort=p_malignant", ["c.png", "b.png", "A.png"]),
        ("sort=p_malignant&descending=false", ["b.png", "c.png", "A.png"]),  # none: the last
        ("sort=newest&descending=false", ["b.png", "c.png", "A.png"]),
        ("quality=reject", ["A.png"]),
        ("model=plain&quality=accept&certainty=clear&sort=file", ["b.png", "c.png"]),
        ("model=other", []),
        ("p_malignant_min=0.5", ["c.png"]),
        ("p_malignant_max=0.5", ["b.png"]),
        ("flag=true", []),
        ("clinician_verdict=open&sort=file", ["A.png", "b.png", "c.png"]),
    ],
)
def test_a_list_by_numbers(
    visitor: FlaskClient, three: dict[str, str], query: str, expected: list[str]
) -> None:
    assert files_of(visitor, f"?{query}") == expected
    table = visitor.get(f"{PATH}?{query}&format=csv").get_data(as_text=True)
    whole = [line["file"] for line in csv.DictReader(io.StringIO(table, newline=""))]
    assert (whole[1:2] if "limit=1" in query else whole) == expected


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=name", "sort must be one of newest, urgent, file"),
        ("start=-1", "start must be a whole number from 0 on"),
        ("sort=file&after=1-AAAAAAAAAAAAAAAAAAAAAA", "after goes with sort newest or urgent"),
        ("p_malignant_min=2", "p_malignant_min must be a number from 0 to 1"),
        ("clinician_verdict=none", "clinician_verdict must be one of retake, consultation"),
    ],
)
def test_questions_that_make_no_sense(visitor: FlaskClient, query: str, sentence: str) -> None:
    assert refused(visitor.get(f"{PATH}?{query}"), 400).startswith(sentence)


def test_the_same_for_several(visitor: FlaskClient, three: dict[str, str]) -> None:
    ids = [three["b.png"], "A" * 22, three["c.png"]]
    body = {"ids": ids, "flag": True, "lesion": {"name": "L1"}}
    answer = visitor.patch(PATH, json=body).get_json()
    assert answer == {"success": True, "changed": 2, "unknown": ["A" * 22]}
    assert files_of(visitor, "?lesion=L1&flag=true&sort=file") == ["b.png", "c.png"]
    history = visitor.get(f"{PATH}/{three['b.png']}").get_json()["history"]
    assert {one["field"] for one in history} == {"flag", "lesion"}


def test_what_leaves_the_lists_comes_back_until_it_is_deleted(
    visitor: FlaskClient, three: dict[str, str], make_client: Callable[[], FlaskClient]
) -> None:
    ids = [three["b.png"]]
    assert visitor.patch(PATH, json={"ids": ids, "removed": True}).get_json()["changed"] == 1
    assert files_of(visitor, "?sort=file") == ["A.png", "c.png"]
    for path in (f"{PATH}/{ids[0]}", f"{PATH}/{ids[0]}/thumbnail", f"{PATH}/{ids[0]}/picture"):
        refused(visitor.get(path), 404)
    other = make_client().patch(PATH, json={"ids": ids, "removed": False}).get_json()
    assert other["changed"] == 0
    assert visitor.patch(PATH, json={"ids": ids, "removed": False}).get_json()["changed"] == 1
    assert files_of(visitor, "?sort=file") == ["A.png", "b.png", "c.png"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"flag": True}, "ids is missing; it must be a list of 1 to 5,000 ids of assessments"),
        ({"ids": []}, "ids must be a list of 1 to 5,000 ids"),
        ({"ids": [1]}, "ids must be a list of 1 to 5,000 ids"),
        ({"ids": ["x"], "removed": "now"}, "removed must be true or false"),
    ],
)
def test_changes_that_make_no_sense(visitor: FlaskClient, body: object, sentence: str) -> None:
    assert refused(visitor.patch(PATH, json=body), 400).startswith(sentence)


def test_a_thumbnail_is_small_and_the_owners_alone(
    visitor: FlaskClient, three: dict[str, str], make_client: Callable[[], FlaskClient]
) -> None:
    path = f"{PATH}/{three['b.png']}/thumbnail"
    answer = visitor.get(path)
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    shown = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (108, 144, 3)
    refused(make_client().get(path), 404)


def test_an_upload_that_comes_twice_is_kept_once(visitor: FlaskClient, encode: Encode) -> None:
    """A page that was reloaded in the middle does not know whether the answer was on its way."""
    sent = {"batch": "b1", "upload": "u1", "file": "x.png"}
    first = as_form(visitor, encode("pale"), path=PATH, **sent)
    again = as_form(visitor, encode("pale"), path=PATH, **sent)
    assert (again.status_code, again.get_json()) == (422, first.get_json())
    assert files_of(visitor, "?batch=b1") == ["x.png"]


def test_a_kept_picture_once_more_in_spite_of_its_quality(
    visitor: FlaskClient, three: dict[str, str]
) -> None:
    visitor.patch(PATH, json={"ids": [three["A.png"]], "lesion": {"name": "L1"}})
    answer = visitor.post(f"{PATH}/{three['A.png']}/again", json={"gate": False})
    assert answer.status_code == 200
    assert answer.get_json()["gated"] is False
    assert files_of(visitor, "?lesion=L1") == ["A.png", "A.png"]
    refused(visitor.post(f"{PATH}/{'A' * 22}/again", json={}), 404)
    sentence = refused(visitor.post(f"{PATH}/{three['A.png']}/again", json={"model": "no"}), 400)
    assert sentence.startswith("model: there is no checkpoint 'no'")


def test_a_zip_archive_is_taken_apart(visitor: FlaskClient, encode: Encode) -> None:
    files = {
        "ward/a.png": encode("benign"),
        "..\\..\\b.png": encode("pale"),
        "notes.txt": b"of the ward",
        "__MACOSX/ward/._a.png": b"x",
        "inner.zip": packed({"c.png": encode("benign")}),
        "huge.bmp": bytes(MOST + 1),
    }
    data = packed(files, zipfile.ZIP_DEFLATED)
    answer = as_form(visitor, data, "day.zip", PATH, batch="b2", upload="u2")
    body = answer.get_json()
    assert (answer.status_code, body["left_out"]) == (200, ["__MACOSX/ward/._a.png"])
    found = {one["file"]: one.get("verdict", one.get("error")) for one in body["entries"]}
    there = ("ward/a.png", "b.png", "notes.txt", "inner.zip", "huge.bmp")
    assert found.keys() == {f"day.zip/{name}" for name in there}
    assert found["day.zip/ward/a.png"] == "no_appointment"
    assert found["day.zip/b.png"] == "Please retake your image"
    assert "JPEG, PNG, WebP, TIFF or BMP" in found["day.zip/notes.txt"]
    assert "within a zip archive" in found["day.zip/inner.zip"]
    assert "more than 1 MB" in found["day.zip/huge.bmp"]
    # Goes on where it was cut.
    again = as_form(visitor, data, "day.zip", PATH, batch="b2", upload="u2").get_json()
    assert again == body
    assert files_of(visitor, "?batch=b2&sort=file") == ["day.zip/b.png", "day.zip/ward/a.png"]
    answer = as_json(visitor, packed({"c.png": encode("benign")}), PATH, file="x.zip")
    assert [one["file"] for one in answer.get_json()["entries"]] == ["x.zip/c.png"]


def test_archives_that_are_refused_whole(visitor: FlaskClient) -> None:
    many = packed({f"{n}.png": b"" for n in range(2001)})
    assert refused(as_form(visitor, many, path=PATH), 413).startswith("the zip archive holds 2,001")
    zeros = bytes(26 * MOST)
    bomb = packed({f"{n}.bmp": zeros for n in range(4)}, zipfile.ZIP_DEFLATED)
    assert "unpacks to more than 100 MB" in refused(as_form(visitor, bomb, path=PATH), 413)
    cut = packed({"a.png": b"x" * 5000})[:3000]
    assert "damaged or not whole" in refused(as_form(visitor, cut, path=PATH), 400)


def test_an_archive_that_lies_about_a_size_and_one_that_is_broken_inside(
    visitor: FlaskClient, encode: Encode
) -> None:
    lying = bytearray(packed({"a.bmp": bytes(3 * MOST)}, zipfile.ZIP_DEFLATED))
    size = (3 * MOST).to_bytes(4, "little")
    for place in (lying.index(size), lying.rindex(size)):
        lying[place : place + 4] = (5).to_bytes(4, "little")
    (entry,) = as_form(visitor, bytes(lying), path=PATH).get_json()["entries"]
    assert entry["success"] is False
    broken = bytearray(packed({"a.png": encode("benign"), "b.png": encode("benign")}))
    broken[200] ^= 255
    first, second = as_form(visitor, bytes(broken), path=PATH).get_json()["entries"]
    assert "damaged in the archive" in first["error"]
    assert second["success"] is True
    assert json.dumps(first)


def test_a_form_may_be_longer_where_archives_are_taken(visitor: FlaskClient) -> None:
    long = b"PK\x03\x04" + bytes(3 * MOST)
    assert refused(as_form(visitor, long, path=PATH), 400).startswith("the zip archive is damaged")
    refused(as_form(visitor, long, path="/predict"), 413)
    refused(as_form(visitor, bytes(5 * MOST), path=PATH), 413)
    one: Any = as_form(visitor, b"\xff\xd8\xff" + bytes(2 * MOST), path=PATH)
    refused(one, 413)
