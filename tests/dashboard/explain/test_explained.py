"""What explanations by the API are of: the prediction, the whole picture, and who waits for it."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from models.registry.taxonomy import HAM10000
from tests.dashboard.calling import asking
from tests.dashboard.conftest import EXPLAINER
from tests.dashboard.explain.test_explanations import Encode, client, finish, start
from tests.dashboard.explain.test_jobs import ORDER
from tests.dashboard.sending import as_json

__all__ = ["client"]  # a fixture


def test_the_description_knows_what_is_not_done_yet(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    for name in ("picture.png", "outlines.png", "map.npy", "map"):
        assert "409" in paths[f"/explanations/{{key}}/{name}"]["get"]["responses"]
    assert "409" not in paths["/explanations/{key}"]["get"]["responses"]


def test_a_page_does_not_stop_what_a_program_asked_for(
    client: FlaskClient, encode: Encode, jobs: Jobs
) -> None:
    _, begun = start(client, encode("benign"), precision="High", target="bkl")
    jobs.subscribe(begun["key"], "page")
    jobs.unsubscribe(begun["key"], "page")
    path = f"/explanations/{begun['key']}"
    assert client.get(path).get_json()["state"] in ("queued", "running")
    assert client.delete(path).get_json()["state"] == "cancelled"


def test_the_predicted_class_is_the_one_that_is_shown(
    make_service: Callable[..., Any], tmp_path: Path, encode: Encode
) -> None:
    prior = dict.fromkeys(HAM10000.codes, 0.05) | {"df": 0.7}
    service = make_service(prior=prior, tta=True)
    jobs = Jobs(Config(prior=prior, tta=True, data_dir=tmp_path), explainer=EXPLAINER)
    client = create_app(service.config, service, jobs).server.test_client()
    try:
        client.get("/")
        answer = as_json(client, encode("benign"), explain=True, precision="Low").get_json()
        (key,) = jobs.of_picture(encode("benign"), by=asking(client))
        order = jobs.status(key).order
        facts = client.get(f"/explanations/{key}").get_json()["facts"]
        # A server with other settings shares the queue, and shows another prediction.
        jobs.config = Config(data_dir=tmp_path)
        assert jobs.of_picture(encode("benign"), by=asking(client)) == []
    finally:
        jobs.close()
    assert (order.prior, order.tta) == (prior, True)
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


def test_explanations_of_a_kept_picture_go_with_it(
    client: FlaskClient, encode: Encode, jobs: Jobs
) -> None:
    data = encode("malignant")
    kept = as_json(client, data, path="/assessments", explain=True, precision="Low").get_json()
    assert kept["success"]
    # What a page asks for is the browser's, not the session's.
    page = jobs.wait(jobs.submit(data, replace(ORDER, target="df"), by=asking(client)), 60)
    assert page.state == "done"
    results = set(jobs.store().keys("picture-"))
    assert client.delete(f"/assessments/{kept['id']}").get_json()["deleted"] == 1
    assert len(results - set(jobs.store().keys("picture-"))) == 2
    client.application.extensions["store"].close()
