"""The Quality page: the gauges follow the sliders, and what stands there is the study's."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import quality
from Dashboard.ui.elements.examples import draw
from Dashboard.ui.quality import study as study_module
from Dashboard.ui.quality.study import distribution, levels, load_study, loss, summary
from Dashboard.ui.quality.trial import small, try_out
from tests.dashboard.drawing import content, update
from tests.dashboard.sending import as_form, refused


def spoil(client: FlaskClient, blur: Any, contrast: Any, key: Any = "") -> Any:
    return update(
        client,
        {"quality-picture": "src", "quality-found": "children"},
        {"quality-blur": ("value", blur), "quality-contrast": ("value", contrast)},
        {"quality-case": ("data", key)},
        changed="quality-blur.value",
    )


def test_the_gauges_follow_the_sliders(client: FlaskClient) -> None:
    shown = content(client, "/quality")
    assert "GATE=normalised" in shown
    assert "Accepted" in shown
    assert "no photograph of a patient" in shown
    good = str(spoil(client, 0, 100).get_json())
    blurred = str(spoil(client, 9, 100).get_json())
    faded = str(spoil(client, 0, 20).get_json())
    assert "Rejected" not in good
    assert "Rejected: please retake" in blurred
    assert "is below 15" in blurred
    assert "wipe the lens" in faded
    assert "data:image/jpeg;base64" in faded


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((-1, 100), "blur must be a number from 0 to 9"),
        ((0, 5), "contrast must be a number from 0.1 to 1"),
        ((None, 100), "must be numbers"),
        (("x", 100), "must be numbers"),
        ((0, 100, 7), "must be numbers"),
    ],
)
def test_values_that_no_slider_sends(
    client: FlaskClient, values: tuple[Any, ...], sentence: str
) -> None:
    assert sentence in refused(spoil(client, *values), 400)


def test_ones_own_picture_and_nobody_elses(
    app: Any, client: FlaskClient, encode: Callable[..., bytes]
) -> None:
    owner = app.server.test_client()
    key = as_form(owner, encode("blurred"), path="/assessments").get_json()["id"]
    assert "Rejected" in content(owner, "/quality", f"?case={key}")
    assert "Rejected" in str(spoil(owner, 0, 100, key).get_json())
    foreign = content(client, "/quality", f"?case={key}")
    assert "There is no such assessment; here is a drawn picture instead." in foreign
    assert "Rejected" not in foreign
    assert spoil(client, 0, 100, key).status_code == 404


def test_what_is_measured_is_what_the_gate_measures() -> None:
    image = draw("sharp")
    assert try_out(image, 0, 1, "normalised").report == quality.check(image)
    large = image.repeat(2, axis=0).repeat(2, axis=1)
    assert small(large).shape == image.shape
    assert small(image) is image


def test_the_page_says_what_the_study_says() -> None:
    study = load_study()
    assert study is not None
    folder = study_module.FOLDER
    found = json.loads((folder / "gate.json").read_text())
    text = summary(study)
    assert f"{found['scored_on']['images']} test images" in text
    assert f"{found['recommended']['min_laplacian']:g} and a contrast of" in text

    def rows(name: str, **wanted: str) -> list[dict[str, str]]:
        table = csv.DictReader((folder / name).read_text().splitlines())
        return [row for row in table if wanted.items() <= row.items()]

    rejected = rows("false_rejects.csv", **{"class": "all"})
    assert [f"{100 * float(row['rejected']):.1f}%" in text for row in rejected] == [True, True]
    first = rows("levels.csv", kind="blur")[0]
    value, low, high = (
        f"{float(first[f'balanced_accuracy{end}']):.3f}" for end in ("", "_low", "_high")
    )
    assert levels(study, "blur")[0][1] == f"{value}\n{low} to {high}"
    spread = distribution(study, "gamma", {"in force": 0.15})
    assert sum(spread["data"][0]["y"]) == found["scored_on"]["images"]
    near = distribution(study, "gamma", {"in force": 0.15, "recommended": 0.15})
    assert [line["x0"] for line in near["layout"]["shapes"]] == [0.15, 0.15]
    assert len({line["y1"] for line in near["layout"]["shapes"]}) == 2  # labels, one over the other
    lost = loss(study, "sharpness", {})
    first = rows("losses.csv", kind="blur", split="test")[0]
    most, end = float(first["loss"]), float(first["loss_high"])
    assert lost["data"][0]["y"][0] == pytest.approx(most)
    assert lost["data"][0]["error_y"]["array"][0] == pytest.approx(end - most)


def test_figures_come_once_they_are_seen(client: FlaskClient) -> None:
    for place in ("quality-spread", "quality-lost"):
        inputs = {f"{place}-seen": ("data", True)}
        answer = update(client, {place: "children"}, inputs, changed=f"{place}-seen.data")
        assert str(answer.get_json()).count("'Graph'") == 2
        nothing = update(client, {place: "children"}, {f"{place}-seen": ("data", None)})
        assert nothing.status_code == 204


def test_without_a_study_there_is_the_rest(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "FOLDER", tmp_path)
    shown = content(client, "/quality")
    assert "In force on this server" in shown
    assert "What the study found" not in shown
