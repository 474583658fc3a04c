"""The API's other paths, methods, and what it says when it cannot answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.api.server import create_server
from tests.dashboard.sending import as_form, refused

Encode = Callable[..., bytes]


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


def test_ready_only_once_the_model_is_loaded(make_service: Callable[..., Any]) -> None:
    service = make_service(model="gone")
    client = create_server(service.config, service).test_client()
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.get_json()["ready"] is False
    failed = client.post("/predict", json={"image": "YQ=="})
    assert "MODEL: there is no checkpoint 'gone'" in refused(failed, 503)


def test_a_failure_of_the_server_says_nothing_of_its_inside(
    make_service: Callable[..., Any], encode: Encode
) -> None:
    service = make_service(load=lambda name: 1 / 0)
    client = create_server(service.config, service).test_client()
    assert "its log says why" in refused(as_form(client, encode("benign")), 500)


def test_description(client: FlaskClient) -> None:
    spec = json.loads(client.get("/openapi.json").data)
    assert spec["openapi"].startswith("3.")
    job = "/explanations/{key}"
    assert spec["paths"].keys() == {
        *("/predict", "/health", "/ready", "/models", "/explanations", job),
        *("/assessments", "/assessments/{id}", "/assessments/{id}/picture"),
        *("/assessments/{id}/thumbnail", "/assessments/{id}/again"),
        *("/assessments/{id}/map", "/assessments/{id}/view.jpg"),
        *("/assessments/{id}/similar", "/index", "/index/{row}/thumbnail", "/audit", "/export"),
        *("/lesions", "/lesions/{name}", "/lesions/{name}/registered/{id}/onto/{onto}.jpg"),
        *(f"{job}/map", f"{job}/map.npy", f"{job}/picture.png", f"{job}/outlines.png"),
    }
    predict = spec["paths"]["/predict"]["post"]
    assert predict["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert predict["responses"].keys() == {"200", "400", "413", "415", "422", "503", "504"}
