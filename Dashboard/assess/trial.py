"""A kept answer judged once more, by a threshold that somebody tries out."""

from collections.abc import Mapping
from typing import Any

from Dashboard.assess.advice import Evidence, Rule, deciding


def rule_at(answer: Mapping[str, Any], threshold: float | None = None) -> Rule | None:
    """The rule that decides about an image by another threshold, from what it was answered.

    answer: as of `Dashboard.assess.assessment.Assessment.to_response`.
    threshold: malignant probability in [0, 1]; None: that by which it was advised.

    Returns:
        None of an answer that does not say by what it was advised; earlier releases kept such.
    """
    if not answer["success"]:
        return deciding(Evidence(rejected=True))
    known = answer.get("evidence")
    if known is None:
        return None
    return deciding(
        Evidence(
            rejected=answer["quality"]["verdict"] == "reject",
            gate=answer["gated"],
            p_malignant=known["p_malignant"],
            malignant=known["malignant"],
            threshold=known["threshold"] if threshold is None else threshold,
            in_distribution=answer["in_distribution"],
            dermatoscopic=answer["dermatoscopic"],
        )
    )
