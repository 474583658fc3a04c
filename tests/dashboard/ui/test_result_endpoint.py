"""The route that the page sends its images to."""

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from Dashboard.app import create_app
from Dashboard.assess import messages
from Dashboard.assess.advice import POOR
from Dashboard.assess.rows import COLUMNS
from Dashboard.assess.service import Service
from Dashboard.ui.assess.examples import example_file
from models.registry.taxonomy import HAM10000


def post(client: FlaskClient, data: bytes = b"", query: str = "") -> tuple[int, dict]:
    response = client.post(f"/results{query}", data=data, content_type="application/octet-stream")
    return response.status_code, response.get_json()


def test_an_image_gets_a_body_a_row_and_a_sentence(
    client: FlaskClient, encode: Callable[..., bytes]
) -> None:
    status, answer = post(client, encode("malignant"))
    assert status == 200
    assert sorted(answer) == ["body", "row", "spoken"]
    assert tuple(answer["row"]) == (*COLUMNS, "outcome")
    assert answer["row"]["message"] == messages.CONSULT
    assert answer["spoken"] == f"{messages.CONSULT}. Melanoma, 45.0%"
    assert answer["body"]["namespace"] == "dash_html_components"
    assert "data:image/jpeg;base64," in json.dumps(answer["body"])


def test_a_rejected_image_is_not_classified_unless_asked_for(
    client: FlaskClient, encode: Callable[..., bytes]
) -> None:
    status, answer = post(client, encode("blurred"))
    assert (status, answer["spoken"]) == (200, messages.RETAKE)
    assert (answer["row"]["verdict"], answer["row"]["code"]) == ("retake", "")
    assert "Melanoma" not in json.dumps(answer)
    _, overridden = post(client, encode("blurred"), "?gate=0")
    assert overridden["row"]["gate_overridden"] is True
    assert overridden["row"]["code"] in ("mel", "nv")
    assert overridden["spoken"] == messages.NO_ADVICE
    _, careful = post(client, encode("blurred"), "?gate=0&model=careful")
    assert careful["spoken"] == f"{messages.CONSULT}. Melanocytic nevi, 80.0%. Uncertain: {POOR}"


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_bad_file_is_an_answer_of_its_own(client: FlaskClient, data: bytes) -> None:
    status, answer = post(client, data)
    assert status == 200
    assert answer["row"]["outcome"] == "error"
    assert answer["row"]["error"] == answer["spoken"]
    assert len(answer["spoken"]) > 20


def test_the_operating_point_is_shown_where_the_advice_comes_from_it(
    client: FlaskClient, encode: Callable[..., bytes]
) -> None:
    _, plain = post(client, encode("benign"))
    _, careful = post(client, encode("benign"), "?model=careful")
    assert "consultation advised from" not in json.dumps(plain)
    assert "consultation advised from 5.0%" in json.dumps(careful)
    assert careful["row"]["message"] == messages.CONSULT


def test_a_body_tells_what_other_thresholds_are_judged_by(
    make_service: Callable[..., Service], encode: Callable[..., bytes]
) -> None:
    prior = dict.fromkeys(HAM10000.codes, 0.05) | {"bkl": 0.1, "nv": 0.65}
    for frequencies in (None, prior):
        service = make_service(prior=frequencies)
        client = create_app(service.config, service).server.test_client()
        _, answer = post(client, encode("pale"))
        assert "data-p-malignant" not in answer["body"]["props"]
        _, answer = post(client, encode("benign"))
        found = float(answer["body"]["props"]["data-p-malignant"])
        shown = answer["row"]["p_malignant"]
        # The double answers the same at any prior: at the card's own it is worth something else.
        assert (found == pytest.approx(shown, abs=1e-6)) is (frequencies is None)


def test_an_examples_file_for_explaining_it(client: FlaskClient) -> None:
    response = client.get("/examples/sharp.jpg")
    assert (response.status_code, response.mimetype) == (200, "image/jpeg")
    assert response.data == example_file("sharp")
    assert client.get("/examples/secret.jpg").status_code == 404


@pytest.mark.parametrize("name", ["blurred", "pale"])
def test_examples(client: FlaskClient, name: str) -> None:
    status, answer = post(client, query=f"?example={name}")
    assert (status, answer["row"]["message"]) == (200, messages.RETAKE)
    assert "Synthetic picture" in json.dumps(answer["body"])


@pytest.mark.parametrize(
    ("query", "part"),
    [("?gate=no", "gate must be 0 or 1"), ("?example=x", "sharp"), ("?model=x", "plain")],
)
def test_bad_queries_name_what_is_accepted(client: FlaskClient, query: str, part: str) -> None:
    status, answer = post(client, b"", query)
    if query == "?model=x":
        status, answer = post(client, b"", "?example=sharp&model=x")
    assert status == 400
    assert part in answer["error"]


def test_a_body_above_the_limit_is_refused(client: FlaskClient) -> None:
    status, answer = post(client, bytes(1_600_000))
    assert status == 413
    assert "1 MB" in answer["error"]
