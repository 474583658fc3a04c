"""The Models page: what comes first, what follows, and who gets the page at its address."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from Dashboard.ui.models import shipped_comparison as comparison
from Dashboard.ui.models.metrics import performance
from Dashboard.ui.models.model_card import advice, model_card
from tests.dashboard.comparisons import write_comparison
from tests.dashboard.conftest import model_info, point
from tests.dashboard.drawing import PATH, content, update
from tests.dashboard.ui.test_components import words

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, */*"])
def test_programs_get_the_models_as_json(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/models", headers={"Accept": accept} if accept else {})
    assert response.content_type == "application/json"
    assert response.get_json()["default"] == "plain"
    assert response.get_json()["models"][0]["title"] == "plain (ResNet-18)"
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("accept", [BROWSER, "text/html"])
def test_a_browser_gets_the_page(client: FlaskClient, accept: str) -> None:
    response = client.get("/models", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "react-entry-point" in response.text
    assert "Accept" in response.headers["Vary"]
    assert client.get("/models", headers={"Accept": "application/json"}).is_json
    old = client.get("/model-cards")
    assert (old.status_code, old.headers["Location"]) == (302, "/models")


def rest(client: FlaskClient) -> dict[str, Any]:
    outputs = {"models-details": "children", "models-rest": "children"}
    answer = update(client, outputs, {"models-rest": ("id", "models-rest")})
    return dict(answer.get_json()["response"])


def test_the_model_in_use_comes_first_and_the_long_part_after(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    write_comparison(tmp_path)
    first = content(client, "/models")
    assert "plain (ResNet-18)" in first
    assert "careful" not in first
    assert "Experiments" in first  # in the list of contents
    assert len(first) < 8_000
    parts = rest(client)
    assert "All measures" in str(parts["models-details"])
    later = json.dumps(parts["models-rest"])
    places = [later.index(f'"id": "{one}"') for one in ("others", "side-by-side", "figures")]
    assert places == sorted(places)
    assert later.index("careful (ResNet-18)") < places[1]
    assert later.index('"id": "experiments"') < later.index("elsewhere (its training split")


def press(client: FlaskClient, name: str) -> TestResponse:
    """Press "Use this model" of a card."""
    given = {"id": {"type": "use-model", "model": name}, "property": "n_clicks", "value": 1}
    pressed = {
        "output": "models-page.children",
        "outputs": {"id": "models-page", "property": "children"},
        "inputs": [[given]],
        "changedPropIds": [f'{{"model":"{name}","type":"use-model"}}.n_clicks'],
    }
    return client.post(PATH, json=pressed)


def chosen_on_the_worklist(client: FlaskClient) -> tuple[str, str]:
    """What the menu shows, and by what pictures are assessed."""
    shown: dict[str, Any] = {}

    def note(drawn: dict[str, Any]) -> dict[str, Any]:
        if isinstance(drawn.get("id"), str):
            shown[drawn["id"]] = drawn
        return drawn

    json.loads(content(client, "/"), object_hook=note)
    return shown["model"]["value"], shown["zone"]["data-model"]


def test_a_model_that_is_chosen_on_either_page_is_in_use_on_both(client: FlaskClient) -> None:
    assert chosen_on_the_worklist(client) == ("plain", "plain")
    drawn = press(client, "careful").get_json()["response"]["models-page"]
    assert "New pictures of this browser are assessed by it." in json.dumps(drawn)
    assert "careful (ResNet-18)" in content(client, "/models")
    others = json.dumps(rest(client)["models-rest"])
    assert "Use this model: plain (ResNet-18), version 0.1" in others
    assert "New pictures are assessed by careful (ResNet-18), version 0.1; any of these" in others
    assert chosen_on_the_worklist(client) == ("careful", "careful")

    answer = update(client, {"zone": "data-model"}, {"model": ("value", "plain")})
    assert answer.get_json()["response"]["zone"] == {"data-model": "plain"}
    assert "plain (ResNet-18)" in content(client, "/models")
    assert client.get_cookie("lesions_model") is None  # as the server is set, whatever comes


def test_a_model_that_is_gone_is_no_choice(client: FlaskClient) -> None:
    answer = press(client, "gone")
    assert answer.status_code == 400
    assert "there is no checkpoint 'gone'; the checkpoints are: careful, plain" in answer.text
    client.set_cookie("lesions_model", "gone")
    assert chosen_on_the_worklist(client) == ("plain", "plain")
    assert "New pictures of this server" in content(client, "/models")


def test_without_a_comparison_there_are_the_cards(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    assert "Experiments" not in content(client, "/models")
    later = str(rest(client)["models-rest"])
    assert "careful" in later
    assert "side-by-side" not in later


def test_a_card_tells_how_well_it_does_with_its_intervals_and_by_what_it_advises() -> None:
    test = {"split": "test", "n": 2003, "low": 0.9, "high": 0.92}
    metrics = [
        test | {"metric": "malignant_auc", "value": 0.912},
        test | {"metric": "auc_mel", "value": 0.9},
        test | {"metric": "malignant_auc", "value": 0.99, "split": "val"},
    ]
    info = replace(model_info(point(0.2)), metrics=metrics, target_note="Too few images.")
    card = words(model_card(replace(info, description="resnet18, trained."), used=True))
    for part in (
        "m (ResNet-18) version 0.1 In use ResNet-18, trained.",
        "AUC, malignant or not 0.912 0.900 to 0.920",
        "malignant probability of 20.0% (for a sensitivity of 95%)",
        "a malignant class is the most likely. Too few images.",
        "Licence MIT",
    ):
        assert part in card
    assert "0.99" not in card
    assert "Nothing was measured" in words(model_card(model_info(None)))
    tables = words(performance(metrics))
    assert "All classes together, 2,003 images" in tables
    assert "Melanoma 0.90 0.90 to 0.92" in tables
    assert "has no metrics" in words(performance([]))


def test_what_is_advised_by_another_sensitivity_is_shown(
    make_service: Callable[..., Any],
) -> None:
    """See `test_comparison.py` for the figures; here the card's words."""
    (careful,) = (info for info in make_service().models() if info.name == "careful")
    assert "5.0% (for a sensitivity of 95%)" in advice(careful)
    (argmax,) = (i for i in make_service(advice="argmax").models() if i.name == "careful")
    assert advice(argmax) == "Consultation where a malignant class is the most likely."
