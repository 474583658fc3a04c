"""The frame of the Compare page: what its script is told of rules and models. No browser."""

import json
from typing import Any

import pytest

from Dashboard.assess import messages
from Dashboard.assess.service import ModelInfo
from Dashboard.config import AdviceRule
from Dashboard.ui.compare.view import compare_view, expectations
from tests.dashboard.conftest import CURVE


def info(name: str, threshold: float | None) -> ModelInfo:
    return ModelInfo(
        name=name,
        version="0.1",
        backbone="resnet18",
        default=False,
        ready=True,
        description="",
        licence="MIT",
        operating_point=None if threshold is None else {"threshold": threshold},
        metrics=[],
        limits=[],
        operating_curve=None if threshold is None else CURVE,
    )


@pytest.mark.parametrize(
    ("rule", "threshold", "told"),
    [
        ("threshold", 0.05, 0.05),
        ("threshold", None, None),
        ("argmax", 0.05, None),  # the server does not heed it either
        ("argmax", None, None),
    ],
)
def test_the_page_starts_from_the_rule_of_the_server(
    rule: AdviceRule, threshold: float | None, told: float | None
) -> None:
    found = expectations(info("m", threshold), rule)
    assert found["threshold"] == told
    # What to expect of a threshold is shown whatever the rule: somebody may try one out.
    assert found["curve"] == (None if threshold is None else CURVE)


def test_the_script_is_told_of_every_model_and_the_sentences_to_use() -> None:
    view: Any = compare_view([info("plain", None), info("careful", 0.05)], None, "threshold")
    settings = json.loads(getattr(view, "data-settings"))
    assert {name: card["threshold"] for name, card in settings["models"].items()} == {
        "plain": None,
        "careful": 0.05,
    }
    assert settings["rule"] == "threshold"
    assert (settings["consult"], settings["clear"]) == (messages.CONSULT, messages.NO_APPOINTMENT)
