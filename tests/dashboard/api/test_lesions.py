"""`/lesions`: one verdict for each, its pictures over time, and one laid onto another."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from Dashboard.api.server import create_server
from Dashboard.assess.service import Service
from tests.dashboard.sending import as_form, refused
from tests.quality.lesion.drawn import HEIGHT, WIDTH, View, drawn

NAME = "2026/17 #a?"
ADDRESS = "/lesions/2026/17%20%23a%3F"


def picture(area: float, view: View, taken: str) -> bytes:
    exif, data = Image.Exif(), io.BytesIO()
    exif.get_ifd(34665)[36867] = taken
    Image.fromarray(drawn(area, view)).save(data, "JPEG", quality=95, exif=exif)
    return data.getvalue()


@pytest.fixture(scope="module")
def new_visitor(
    make_service: Callable[..., Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], FlaskClient]]:
    service = make_service(data_dir=tmp_path_factory.mktemp("data"))
    server = create_server(service.config, service)
    yield server.test_client
    server.extensions["store"].close()


@pytest.fixture(scope="module")
def visitor(new_visitor: Callable[[], FlaskClient]) -> FlaskClient:
    """One who has kept a lesion that grew by a fifth; the later picture came first."""
    client = new_visitor()
    later = picture(0.144, View(12, 1.1, (10, -8)), "2026:09:01 10:00:00")
    for data in (later, picture(0.12, View(), "2026:03:01 10:00:00")):
        key = as_form(client, data, "a.jpg", "/assessments", gate="false").get_json()["id"]
        client.patch(f"/assessments/{key}", json={"lesion": {"name": NAME}, "pixels_per_mm": 24})
    return client


@pytest.fixture(scope="module")
def series(visitor: FlaskClient) -> dict[str, Any]:
    response = visitor.get(ADDRESS)
    assert response.status_code == 200
    found: dict[str, Any] = response.get_json()
    return found


def test_a_lesion_over_time(series: dict[str, Any]) -> None:
    first, second = series["assessments"]
    assert [one["date"] for one in (first, second)] == [
        "2026-03-01T10:00:00",
        "2026-09-01T10:00:00",
    ]
    assert {first["date_is"], second["date_is"]} == {"taken"}
    assert (series["name"], series["count"], series["latest"]) == (NAME, 2, second["id"])
    assert series["verdict"] == "consultation"
    found = first["measurement"]
    assert found["reason"] is None
    assert found["area"] == pytest.approx(0.12, rel=0.1)
    assert found["area_mm2"] == pytest.approx(found["area"] * WIDTH * HEIGHT / 24**2, abs=0.01)
    (change,) = series["changes"]
    assert (change["from"], change["to"]) == (first["id"], second["id"])
    assert (change["registered"], change["by"], change["reason"]) == (True, "skin", None)
    assert change["area"] == pytest.approx(0.2, abs=0.03)
    assert change["scale"] == pytest.approx(1.1, abs=0.005)
    assert (change["p_malignant"], change["p_malignant_retakes_below"]) == (0, 0)
    assert change["area_retakes_below"] >= 75
    assert change["colour_retakes_below"] <= 50


def test_one_picture_is_laid_onto_the_other(visitor: FlaskClient, series: dict[str, Any]) -> None:
    first, second = (one["id"] for one in series["assessments"])
    pictures = []
    for key in (first, second):
        response = visitor.get(f"{ADDRESS}/registered/{key}/onto/{second}.jpg")
        assert (response.status_code, response.mimetype) == (200, "image/jpeg")
        assert response.headers["Cache-Control"] == "no-store"
        pictures.append(cv2.imdecode(np.frombuffer(response.data, np.uint8), cv2.IMREAD_GRAYSCALE))
    plain = visitor.get(f"{ADDRESS}/registered/{second}/onto/{second}.jpg")
    outlined = visitor.get(f"{ADDRESS}/registered/{second}/onto/{second}.jpg?outline=true")
    assert (outlined.status_code, outlined.data != plain.data) == (200, True)
    laid, onto = (one[40:-40, 60:-60].ravel() for one in pictures)
    assert np.corrcoef(laid, onto)[0, 1] > 0.9


def test_the_list_of_lesions(visitor: FlaskClient, series: dict[str, Any]) -> None:
    found = visitor.get("/lesions").get_json()
    assert (found["total"], found["next"]) == (1, None)
    (listed,) = found["lesions"]
    assert listed == {name: series[name] for name in listed}
    assert "no field 'lesion'" in refused(visitor.get("/lesions?lesion=a"), 400)
    assert "limit must be a whole number" in refused(visitor.get("/lesions?limit=0"), 400)
    assert "`next` of an answer" in refused(visitor.get("/lesions?after=x"), 400)


def test_pictures_of_two_lesions_are_not_laid_onto_each_other(visitor: FlaskClient) -> None:
    keys = []
    for seed in (0, 5):
        data = io.BytesIO()
        Image.fromarray(drawn(seed=seed)).save(data, "PNG")
        keys.append(as_form(visitor, data.getvalue(), "b.png", "/assessments").get_json()["id"])
    visitor.patch("/assessments", json={"ids": keys, "lesion": {"name": "two"}})
    (change,) = visitor.get("/lesions/two").get_json()["changes"]
    assert (change["registered"], change["area"], change["by"]) == (False, None, None)
    assert "too little in common" in change["reason"]
    address = f"/lesions/two/registered/{keys[0]}/onto/{keys[1]}.jpg"
    assert "too little in common" in refused(visitor.get(address), 409)


def test_nobody_else_sees_it(
    new_visitor: Callable[[], FlaskClient], visitor: FlaskClient, series: dict[str, Any]
) -> None:
    other, key = new_visitor(), series["latest"]
    assert other.get("/lesions").get_json()["lesions"] == []
    address = f"{ADDRESS}/registered/{key}/onto/{key}.jpg"
    for path in (ADDRESS, address):
        assert refused(other.get(path), 404) == "there is no such lesion"
    address = address.replace(key, "x" * 22)
    assert refused(visitor.get(address), 404) == "there is no such assessment"
    assert "name must be the name of a lesion" in refused(visitor.get("/lesions/%00"), 400)
    assert "accepted: GET" in refused(visitor.post(ADDRESS), 405)


def test_a_corrected_date_holds_when_a_picture_is_assessed_again(
    new_visitor: Callable[[], FlaskClient],
) -> None:
    visitor, data = new_visitor(), picture(0.12, View(), "2026:03:01 10:00:00")
    key = as_form(visitor, data, "a.jpg", "/assessments", gate="false").get_json()["id"]
    words = {"taken": "2025-03-01T10:00:00+01:00", "pixels_per_mm": 24.0}
    visitor.patch(f"/assessments/{key}", json=words)
    again = visitor.post(f"/assessments/{key}/again", json={"gate": False}).get_json()["id"]
    found = visitor.get(f"/assessments/{again}").get_json()
    assert {name: found[name] for name in words} == words


@pytest.mark.parametrize("value", ["yesterday", 5, "2026-13-01"])
def test_what_is_no_date(visitor: FlaskClient, series: dict[str, Any], value: object) -> None:
    response = visitor.patch(f"/assessments/{series['latest']}", json={"taken": value})
    assert "taken must be a date or a time" in refused(response, 400)
