"""The sentences a user acts on, and the rule that picks one.

Pages, the API and the commands take them from here, word for word.
"""

from collections.abc import Mapping
from typing import Any, Literal

RETAKE = "Please retake your image"
CONSULT = "Please schedule patient for a consultation"
NO_APPOINTMENT = "Patient does not need another appointment"
NOT_DERMATOSCOPIC = "This is not a dermatoscopic image of skin, so it was not assessed"

EXPLAIN_LATER = (
    "explain: explanations are not available in this version; send false or leave it out"
)

AdviceRule = Literal["threshold", "argmax"]
ADVICE_RULES: tuple[AdviceRule, ...] = ("threshold", "argmax")


def decision_rule(rule: AdviceRule, operating_point: Mapping[str, Any] | None) -> AdviceRule:
    """The rule that applies to a model: `threshold` needs an operating point on its card."""
    return "threshold" if rule == "threshold" and operating_point is not None else "argmax"


def advise(
    *,
    p_malignant: float,
    malignant: bool,
    rule: AdviceRule,
    operating_point: Mapping[str, Any] | None,
) -> str:
    """`CONSULT` or `NO_APPOINTMENT` for a classified image.

    p_malignant: probability of a malignant class in [0, 1], for the class frequencies that
        the operating point was chosen for.
    malignant: whether the predicted class is a malignant one.
    operating_point: of the model's card; its `threshold` is on `p_malignant`.
    """
    if decision_rule(rule, operating_point) == "threshold" and operating_point is not None:
        return CONSULT if p_malignant >= float(operating_point["threshold"]) else NO_APPOINTMENT
    return CONSULT if malignant else NO_APPOINTMENT
