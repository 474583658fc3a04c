"""The frame of the Compare page: what its script is told of rules and models. No browser."""

import json
from dataclasses import replace
from typing import Any

from Dashboard.assess import messages
from Dashboard.assess.service import ModelInfo
from Dashboard.assess.worth import expectation
from Dashboard.ui.compare.view import compare_view, expectations
from tests.dashboard.conftest import CURVE, point


def info(name: str, threshold: float | None) -> ModelInfo:
    return ModelInfo(
        name=name,
        version="0.1",
        backbone="resnet18",
        default=False,
        ready=True,
        description="",
        licence="MIT",
        operating_point=None if threshold is None else point(threshold),
        metrics=[],
        limits=[],
        operating_curve=None if threshold is None else CURVE,
    )


def test_the_page_starts_from_the_threshold_that_the_server_advises_by() -> None:
    found = expectations(info("m", 0.05))
    assert found["threshold"] == 0.05
    assert found["as_assessed"] == expectation(point(0.05))
    noted = expectations(replace(info("m", 0.05), target_note="Too few."))["as_assessed"]
    assert noted == f"{expectation(point(0.05))} Too few."
    # At that threshold stand the card's figures, between others those of the curve.
    assert found["curve"] == CURVE | {
        "threshold": [0.0, 0.05, 0.5, 1.0],
        "sensitivity": [1.0, 0.91, 0.9, 0.4],
        "specificity": [0.2, 0.73, 0.7, 1.0],
    }
    at_one_of_them = expectations(info("m", 0.5))["curve"]
    assert at_one_of_them["threshold"] == [0.0, 0.5, 1.0]
    assert at_one_of_them["sensitivity"] == [1.0, 0.91, 0.4]


def test_without_an_operating_point_the_class_alone_decides() -> None:
    found = expectations(replace(info("m", None), operating_curve=CURVE))
    assert found == {"threshold": None, "as_assessed": "", "curve": CURVE}
    unmeasured = replace(info("m", None), operating_point={"threshold": 0.2}, operating_curve=CURVE)
    assert expectations(unmeasured) == {"threshold": 0.2, "as_assessed": "", "curve": CURVE}


def test_the_script_is_told_of_every_model_and_the_sentences_to_use() -> None:
    view: Any = compare_view([info("plain", None), info("careful", 0.05)], None, "threshold")
    settings = json.loads(getattr(view, "data-settings"))
    assert {name: card["threshold"] for name, card in settings["models"].items()} == {
        "plain": None,
        "careful": 0.05,
    }
    assert settings["rule"] == "threshold"
    assert settings["consult"] == messages.CONSULT
