"""Explanations by the API: beside an assessment, and as jobs of their own."""

import base64
import http.client
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flask.testing import FlaskClient

import Dashboard.explain.explanations as limits
from Dashboard.app import create_app
from Dashboard.config import Config
from Dashboard.explain.explanations import usual_seconds
from Dashboard.explain.jobs.engine import Jobs
from interpretability.methods import METHODS
from interpretability.rendering.overlay import ENDS, scale_of
from tests.dashboard.explain.test_jobs import LONG_SECONDS, processes, until
from tests.dashboard.sending import as_form, as_json, refused
from tests.dashboard.serving import Server, gunicorn

Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def client(make_service: Callable[..., Any], jobs: Jobs) -> FlaskClient:
    service = make_service(max_upload_mb=1, max_megapixels=2)
    return create_app(service.config, service, jobs).server.test_client()


def start(client: FlaskClient, data: bytes, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {"image": base64.b64encode(data).decode(), **fields}
    response = client.post("/explanations", json=body)
    return response.status_code, response.get_json()


def finish(client: FlaskClient, key: str) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []

    def through() -> bool:
        answers.append(client.get(f"/explanations/{key}").get_json())
        return answers[-1]["state"] not in ("queued", "running")

    until(through, LONG_SECONDS)
    return answers[-1]


@pytest.mark.parametrize("send", [as_json, as_form])
def test_an_assessment_with_its_explanation(
    client: FlaskClient, encode: Encode, send: Callable[..., Any]
) -> None:
    explain = True if send is as_json else "true"
    answer = send(client, encode("malignant"), explain=explain, precision="Low").get_json()
    drawn = cv2.imdecode(
        np.frombuffer(base64.b64decode(answer["explain"]), np.uint8), cv2.IMREAD_COLOR
    )
    assert drawn.shape == (450, 600, 3)
    assert answer["code"] == "mel"
    facts = answer["explanation"]
    assert (facts["method"], facts["precision"], facts["target"]) == ("gradcam", "Low", "nv")
    assert facts["fails_randomisation"] is METHODS["gradcam"].fails_randomisation
    assert (facts["width"], facts["height"], facts["model"]) == (600, 450, "plain")


def test_without_being_asked_nothing_is_explained(client: FlaskClient, encode: Encode) -> None:
    answer = as_json(client, encode("benign"), method="saliency", precision="High").get_json()
    assert not {"explain", "explanation"} & answer.keys()


def test_a_rejected_image_is_explained_only_on_request(client: FlaskClient, encode: Encode) -> None:
    options = {"explain": True, "precision": "Low"}
    rejected = as_json(client, encode("pale"), **options)
    assert rejected.status_code == 422
    assert "explain" not in rejected.get_json()
    assert as_json(client, encode("pale"), gate=False, **options).get_json()["explain"]
    status, answer = start(client, encode("blurred"))
    assert (status, answer["quality"]["verdict"]) == (422, "reject")
    assert start(client, encode("blurred"), gate=False, precision="Low")[0] == 202


def test_target_and_method_are_the_ones_asked_for(client: FlaskClient, encode: Encode) -> None:
    fields = {"target": "malignant", "method": "saliency", "precision": "Low"}
    facts = as_json(client, encode("benign"), explain=True, **fields).get_json()["explanation"]
    assert {name: facts[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"method": "tarot"}, r"method must be one of gradcam, .*saliency.*, got 'tarot'"),
        ({"precision": "Most"}, r"precision must be one of Low, Medium, High, got 'Most'"),
        ({"target": "cat"}, r"target must be one of akiec, .*, vasc, malignant, got 'cat'"),
        ({"model": "none"}, r"model: there is no checkpoint 'none'; .*careful, plain"),
    ],
)
def test_what_there_is_not(
    client: FlaskClient, encode: Encode, fields: dict[str, str], sentence: str
) -> None:
    data = encode("benign")
    assert re.match(sentence, refused(as_json(client, data, explain=True, **fields), 400))
    status, answer = start(client, data, **fields)
    assert status == 400
    assert re.match(sentence, answer["error"])


def test_a_field_of_the_other_request(client: FlaskClient, encode: Encode) -> None:
    status, answer = start(client, encode("benign"), explain=True)
    assert status == 400
    assert "no field 'explain'; the fields are image, gate, precision" in answer["error"]


def test_a_method_that_a_backbone_does_not_bear(
    client: FlaskClient, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(METHODS["gradcam"]), "supported", lambda _, backbone: f"not with {backbone}"
    )
    assert (
        refused(as_json(client, encode("benign"), explain=True), 400) == "method: not with resnet18"
    )
    unsupported = client.get("/explanations").get_json()["models"][0]["unsupported"]
    assert unsupported["gradcam"] == "not with resnet18"


def test_a_job_from_start_to_results(client: FlaskClient, encode: Encode) -> None:
    status, begun = start(client, encode("benign"), target="mel", precision="Low")
    assert (status, begun["state"], begun["facts"]) == (202, "queued", None)
    done = finish(client, begun["key"])
    assert (done["state"], done["fraction"], done["seconds_left"]) == ("done", 1.0, None)
    assert done["facts"]["target"] == "mel"
    path = f"/explanations/{begun['key']}"
    assert start(client, encode("benign"), target="mel", precision="Low") == (200, done)

    picture = client.get(f"{path}/picture.png")
    assert picture.mimetype == "image/png"
    assert cv2.imdecode(np.frombuffer(picture.data, np.uint8), 1).shape == (450, 600, 3)
    outlined = cv2.imdecode(np.frombuffer(client.get(f"{path}/outlines.png").data, np.uint8), 1)
    assert outlined.shape == (450, 600, 3)
    array = np.load(io.BytesIO(client.get(f"{path}/map.npy").data))
    assert (array.shape, array.dtype) == ((450, 600), np.float32)
    small = client.get(f"{path}/map").get_json()
    levels = np.frombuffer(base64.b64decode(small["values"]), np.int8)
    levels = levels.reshape(small["height"], small["width"])
    assert levels.shape == (360, 480)
    assert (small["signed"], small["limit"]) == (True, pytest.approx(scale_of(array)))
    shrunk = cv2.resize(array, (480, 360), interpolation=cv2.INTER_AREA)
    shrunk = shrunk.clip(-small["limit"], small["limit"])
    assert np.abs(levels * (small["limit"] / 127) - shrunk).max() <= small["limit"] / 127

    assert client.delete(path).get_json()["state"] == "done"
    assert "are kept for 15 minutes" in refused(client.get(path), 404)
    for file in ("picture.png", "outlines.png", "map.npy", "map"):
        assert client.get(f"{path}/{file}").status_code == 404


def test_a_program_without_a_jar_says_whose_it_is_by_the_header(
    client: FlaskClient, encode: Encode
) -> None:
    program = client.application.test_client(use_cookies=False)
    kept = as_form(program, encode("benign"), path="/assessments")
    token = {"X-Session-Token": kept.headers["Set-Cookie"].partition("=")[2].partition(";")[0]}
    order = {"assessment": kept.get_json()["id"], "precision": "Low"}
    assert "its value in the header X-Session-Token" in refused(
        program.post("/explanations", json=order), 404
    )
    begun = program.post("/explanations", json=order, headers=token)
    path = f"/explanations/{begun.get_json()['key']}"
    for method in (program.get, program.delete):
        assert "the cookie lesions_session that the first answer set" in refused(method(path), 404)
    assert program.get(path, headers=token).status_code == 200
    assert program.delete(path, headers=token).status_code == 200
    other = as_form(program, encode("benign"), path="/assessments").headers["Set-Cookie"]
    stranger = {"X-Session-Token": other.partition("=")[2].partition(";")[0]}
    assert refused(program.get(path, headers=stranger), 404).endswith("kept for 15 minutes")


def test_a_job_is_cancelled(client: FlaskClient, encode: Encode, jobs: Jobs) -> None:
    _, begun = start(client, encode("benign"), precision="High")
    path = f"/explanations/{begun['key']}"
    until(lambda: client.get(path).get_json()["fraction"] > 0)
    running = client.get(path).get_json()
    assert running["state"] == "running"
    assert running["seconds_left"] >= 0
    files = [f"{path}/{name}" for name in ("picture.png", "outlines.png", "map.npy", "map")]
    for file in files:
        assert "not done yet, it is running" in refused(client.get(file), 409)
    assert client.delete(path).get_json()["state"] == "cancelled"
    after = start(client, encode("benign"), target="bcc", precision="Low")[1]
    for _ in range(2):  # before the worker has noticed, and after it
        assert client.get(path).get_json()["state"] == "cancelled"
        assert client.get(path).get_json()["error"] == "the explanation was cancelled"
        assert finish(client, after["key"])["state"] == "done"
    for file in files:
        sentence = "this explanation has no results: the explanation was cancelled"
        assert refused(client.get(file), 404) == sentence


def test_a_failure_in_the_worker_is_a_503_with_a_sentence(
    client: FlaskClient, encode: Encode
) -> None:
    fields = {"explain": True, "method": "saliency", "target": "df", "precision": "Low"}
    error = refused(as_json(client, encode("benign"), **fields), 503)
    assert error == "the explanation failed in the worker (RuntimeError)"


def test_an_explanation_that_takes_too_long_is_a_504(
    client: FlaskClient, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 1.0)
    fields = {"explain": True, "precision": "High", "target": "vasc"}
    error = refused(as_json(client, encode("benign"), **fields), 504)
    assert error == "the explanation was not done within 1 seconds"


def test_waiting_requests_are_few(
    make_service: Callable[..., Any], jobs: Jobs, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 0)
    service = make_service()
    client = create_app(service.config, service, jobs).server.test_client()
    error = refused(as_json(client, encode("benign"), explain=True), 503)
    assert "too many requests wait" in error


def test_without_a_worker_the_answer_is_a_503(
    make_service: Callable[..., Any], encode: Encode
) -> None:
    service = make_service(explain="off")
    client = create_app(service.config, service).server.test_client()
    assert "switched off" in refused(as_json(client, encode("benign"), explain=True), 503)
    assert as_json(client, encode("benign")).status_code == 200
    unreachable = Jobs(Config(redis_url="redis://user:secret@127.0.0.1:9/0"))
    client = create_app(service.config, service, unreachable).server.test_client()
    error = refused(as_json(client, encode("benign"), explain=True), 503)
    assert error == "the queue of explanations cannot be reached (ConnectionError)"
    unreachable.store.close()


def test_what_there_is_to_ask_for(client: FlaskClient) -> None:
    capabilities = client.get("/explanations").get_json()
    assert [method["name"] for method in capabilities["methods"]] == list(METHODS)
    assert capabilities["precisions"] == ["Low", "Medium", "High"]
    assert [method["signed"] for method in capabilities["methods"]] == [
        method.signed for method in METHODS.values()
    ]
    for name, signed in (("signed", True), ("unsigned", False)):
        scale = capabilities["scales"][name]
        assert (scale["low"], scale["high"]) == ENDS[signed]
        assert len(base64.b64decode(scale["colours"])) == 4 * 255
    model = capabilities["models"][0]
    assert model["targets"][-2:] == ["vasc", "malignant"]
    assert list(model["seconds"]) == list(METHODS)
    for by_precision in model["seconds"].values():
        seconds = [by_precision[name] for name in capabilities["precisions"]]
        assert seconds == sorted(seconds)
        assert min(seconds) > 0


def test_the_time_to_expect_is_that_of_the_model() -> None:
    occlusion = METHODS["occlusion"]
    one = usual_seconds(occlusion, "Medium", 224, ["resnext50_32x4d"])
    assert one == occlusion.expected_seconds("Medium")
    assert usual_seconds(occlusion, "Medium", 112, ["resnext50_32x4d"]) < one / 3
    both = usual_seconds(occlusion, "Medium", 224, ["resnext50_32x4d", "efficientnet_lite0"])
    assert one < both < 2 * one


@pytest.mark.parametrize("path", ["/explanations/x", f"/explanations/{'x' * 22}/map.npy"])
def test_unknown_jobs(client: FlaskClient, path: str) -> None:
    refused(client.get(path), 404)
    refused(client.put(path), 405)


def test_paths_below_a_job(client: FlaskClient) -> None:
    refused(client.get("/explanations/x/y"), 404)
    refused(client.get("/explanations/"), 404)
    assert client.put("/explanations").headers["Allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.slow
def test_two_server_processes_share_one_worker(
    repository: Path, tmp_path: Path, checkpoints: Path, encode: Encode
) -> None:
    (tmp_path / "wsgi.py").write_text(
        "from pathlib import Path\n"
        "from Dashboard.app import create_app\n"
        "from Dashboard.config import Config\n"
        "from Dashboard.explain.jobs.engine import Jobs\n"
        "from Dashboard.assess.service import Service\n"
        "from tests.dashboard.conftest import EXPLAINER, RulePredictor, card\n"
        "config = Config.from_env()\n"
        f"service = Service(config, root=Path({str(checkpoints)!r}),\n"
        "    load=lambda name: RulePredictor(name, card(name)))\n"
        "server = create_app(config, service, Jobs(config, explainer=EXPLAINER)).server\n"
    )
    data = tmp_path / "data"
    settings = {"MODEL": "plain", "WEB_CONCURRENCY": "2", "DATA_DIR": str(data)}
    settings["PYTHONPATH"] = str(repository)
    config = str(repository / "Dashboard" / "gunicorn.conf.py")
    log = tmp_path / "log"
    headers = {"Content-Type": "application/json"}
    image = base64.b64encode(encode("benign")).decode()
    with gunicorn(tmp_path, log, "-c", config, "wsgi:server", **settings) as server:
        headers["X-Session-Token"] = session(server)
        keys = []
        for target in ("mel", "nv", "bcc", "df"):
            body = json.dumps({"image": image, "target": target, "precision": "Low"})
            status, answer = server.call("POST", "/explanations", body, headers)
            assert status == 202
            keys.append(answer["key"])
        paths = [f"/explanations/{key}" for key in keys]
        until(lambda: all(server.call("GET", path, None, headers)[1]["state"] == "done"
                          for path in paths for _ in range(4)))  # fmt: skip
        assert server.call("GET", paths[0])[0] == 404  # of nobody
        assert len(processes("worker", data)) == len(processes("supervisor", data)) == 1
        text = server.log
    assert processes("", data) == []
    assert "POST /explanations 202" in text
    assert "GET /explanations/* 200" in text
    assert not [key for key in keys if key in text]


def session(server: Server) -> str:
    """The value of a new session's cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/assessments")
    response = connection.getresponse()
    response.read()
    connection.close()
    return str(response.headers["Set-Cookie"]).partition("=")[2].partition(";")[0]
