"""A kept answer judged by another threshold: the same rules as when it was assessed."""

from typing import Any

import pytest

from Dashboard.assess.trial import rule_at

ANSWER: dict[str, Any] = {
    "success": True,
    "gated": True,
    "quality": {"verdict": "accept"},
    "in_distribution": True,
    "dermatoscopic": True,
    "evidence": {"p_malignant": 0.2, "malignant": False, "threshold": 0.15},
}
POOR = {"gated": False, "quality": {"verdict": "reject"}}
LEADS = {"evidence": ANSWER["evidence"] | {"malignant": True}}


@pytest.mark.parametrize(
    ("changes", "threshold", "verdict", "name"),
    [
        ({}, None, "consultation", "reaches the threshold"),
        ({}, 0.2, "consultation", "reaches the threshold"),
        ({}, 0.21, "no_appointment", "No rule calls"),
        (LEADS, 0.9, "consultation", "most likely"),
        (POOR, 0.9, "none", "rules nothing out"),
        ({"in_distribution": False}, 0.9, "none", "rules nothing out"),
        ({"in_distribution": False}, 0.1, "consultation", "reaches the threshold"),
        ({"dermatoscopic": False}, 0.1, "none", "no dermatoscopic image"),
    ],
)
def test_the_rules_hold_at_every_threshold(
    changes: dict[str, Any], threshold: float | None, verdict: str, name: str
) -> None:
    rule = rule_at(ANSWER | changes, threshold)
    assert rule is not None
    assert rule.verdict == verdict
    assert name in rule.name


def test_a_rejected_image_is_to_be_retaken_at_every_threshold() -> None:
    rule = rule_at({"success": False, "quality": {"verdict": "reject"}}, 0.1)
    assert rule is not None
    assert rule.verdict == "retake"


def test_an_answer_that_does_not_say_by_what_it_was_advised() -> None:
    assert rule_at({name: ANSWER[name] for name in ANSWER if name != "evidence"}, 0.1) is None
