"""What explanations by the API are of: the prediction, the whole picture, and who waits for it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from models.registry.taxonomy import HAM10000
from tests.dashboard.conftest import EXPLAINER
from tests.dashboard.explain.test_explanations import Encode, client, finish, start
from tests.dashboard.sending import as_json, refused

__all__ = ["client"]  # a fixture


def test_the_description_knows_what_is_not_done_yet(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    for name in ("picture.png", "outlines.png", "map.npy", "map"):
        assert "409" in paths[f"/explanations/{{key}}/{name}"]["get"]["responses"]
    assert "409" not in paths["/explanations/{key}"]["get"]["responses"]


def test_another_session_neither_sees_nor_stops_it(client: FlaskClient, encode: Encode) -> None:
    _, begun = start(client, encode("benign"), precision="High", target="bkl")
    other = client.application.test_client()
    _, theirs = start(other, encode("benign"), precision="Low", target="nv")
    path = f"/explanations/{begun['key']}"
    for file in ("", "/map", "/map.npy", "/picture.png", "/outlines.png"):
        assert "no such explanation of yours" in refused(other.get(path + file), 404)
    refused(other.delete(path), 404)
    assert client.get(path).get_json()["state"] in ("queued", "running")
    assert client.delete(path).get_json()["state"] == "cancelled"
    assert finish(other, theirs["key"])["state"] == "done"


def test_a_kept_assessment_is_explained(client: FlaskClient, encode: Encode) -> None:
    kept = as_json(client, encode("malignant"), path="/assessments", model="careful").get_json()
    body = {"assessment": kept["id"], "precision": "Low", "watched": True}
    response = client.post("/explanations", json=body)
    assert response.status_code == 202
    done = finish(client, response.get_json()["key"])
    assert (done["state"], done["model"], done["facts"]["width"]) == ("done", "careful", 600)
    assert client.post("/explanations", json=body).get_json() == done
    listing = f"/explanations?assessment={kept['id']}"
    assert client.get(listing).get_json() == {"success": True, "explanations": [done]}
    picture = client.get(f"/explanations/{done['key']}/picture.png")
    assert cv2.imdecode(np.frombuffer(picture.data, np.uint8), 1).shape == (450, 600, 3)
    assert picture.headers["Cache-Control"] == "no-store"
    other = client.application.test_client()
    for response in (other.get(listing), other.post("/explanations", json=body)):
        assert refused(response, 404).startswith("there is no such assessment")
    assert client.delete(f"/assessments/{kept['id']}").get_json()["deleted"] == 1
    refused(client.get(f"/explanations/{done['key']}"), 404)
    assert not [path for path in maps(client) if path.name.startswith(done["key"])]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"assessment": 7}, "assessment must be the id of an assessment, got 7"),
        (
            {"assessment": "a", "explain": True},
            "there is no field 'explain'; the fields are gate, ",
        ),
        ({"assessment": "a", "watched": "so"}, "watched must be true or false, got 'so'"),
        ({"assessment": "a", "image": "aGk="}, "there is no field 'assessment'; the fields are im"),
    ],
)
def test_what_is_no_request_for_a_kept_assessment(
    client: FlaskClient, body: dict[str, object], sentence: str
) -> None:
    assert refused(client.post("/explanations", json=body), 400).startswith(sentence)


def test_a_kept_assessment_to_retake(client: FlaskClient, encode: Encode) -> None:
    kept = as_json(client, encode("pale"), path="/assessments").get_json()
    response = client.post("/explanations", json={"assessment": kept["id"]})
    assert (response.status_code, response.get_json()["quality"]["verdict"]) == (422, "reject")
    body = {"assessment": kept["id"], "gate": False, "precision": "Low"}
    begun = client.post("/explanations", json=body)
    assert begun.status_code == 202
    assert finish(client, begun.get_json()["key"])["state"] == "done"


def test_predict_keeps_nothing_and_an_assessment_its_explanation(
    client: FlaskClient, encode: Encode
) -> None:
    client.delete("/assessments")  # with all that this session has
    before = maps(client)
    assert as_json(client, encode("benign"), explain=True, precision="Low").status_code == 200
    assert maps(client) == before
    fields = {"explain": True, "precision": "Low"}
    kept = as_json(client, encode("benign"), path="/assessments", **fields).get_json()
    assert kept["explain"]
    (listed,) = client.get(f"/explanations?assessment={kept['id']}").get_json()["explanations"]
    assert {path.name for path in maps(client) - before} == {listed["key"]}
    again = client.post("/explanations", json={"assessment": kept["id"], "precision": "Low"})
    assert (again.status_code, again.get_json()) == (200, listed)
    assert client.delete("/assessments").status_code == 200
    assert maps(client) == before


def maps(client: FlaskClient) -> set[Path]:
    """All files of explanations, those of other sessions included."""
    folder = client.application.extensions["store"].place.maps.folder
    return {path for path in folder.rglob("*") if path.is_file()}


def test_the_predicted_class_is_the_one_that_is_shown(
    make_service: Callable[..., Any], tmp_path: Path, encode: Encode
) -> None:
    prior = dict.fromkeys(HAM10000.codes, 0.05) | {"df": 0.7}
    service = make_service(prior=prior, tta=True)
    jobs = Jobs(Config(prior=prior, tta=True, data_dir=tmp_path), explainer=EXPLAINER)
    client = create_app(service.config, service, jobs).server.test_client()
    try:
        fields = {"explain": True, "precision": "Low"}
        answer = as_json(client, encode("benign"), path="/assessments", **fields).get_json()
        listed = client.get(f"/explanations?assessment={answer['id']}").get_json()
        facts = listed["explanations"][0]["facts"]
    finally:
        jobs.close()
        jobs.store.close()
    for told in (answer["explanation"], facts):
        assert (told["target"], told["probability"]) == ("df", 0.7)


def test_the_array_has_the_pictures_size(
    make_service: Callable[..., Any], jobs: Jobs, encode: Encode
) -> None:
    service = make_service()
    client = create_app(service.config, service, jobs).server.test_client()
    pixels = cv2.resize(cv2.imdecode(np.frombuffer(encode("benign"), np.uint8), 1), (3000, 2000))
    done, data = cv2.imencode(".jpg", pixels)
    assert done
    _, begun = start(client, data.tobytes(), precision="Low", gate=False)
    facts = finish(client, begun["key"])["facts"]
    path = f"/explanations/{begun['key']}"
    response = client.get(f"{path}/map.npy")
    assert response.content_length == len(response.data)
    assert client.head(f"{path}/map.npy").content_length == len(response.data)
    array = np.load(io.BytesIO(response.data))
    assert (array.shape, array.dtype) == ((2000, 3000), np.float32)
    assert (facts["height"], facts["width"]) == array.shape
    expected = (pixels[..., 2].astype(np.float32) - pixels[..., 0]) / 255
    assert np.corrcoef(array[::9, ::9].ravel(), expected[::9, ::9].ravel())[0, 1] > 0.9
