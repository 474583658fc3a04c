"""The rule that picks the sentence a user acts on."""

from collections.abc import Mapping
from typing import Any

from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT
from Dashboard.config import AdviceRule


def threshold(rule: AdviceRule, operating_point: Mapping[str, Any] | None) -> float | None:
    """Malignant probability from which a model's advice is a consultation, whatever the class.

    operating_point: of the model's card. None, or the rule `argmax`, leaves the advice to the
        predicted class alone; the answer is None then.
    """
    if rule == "argmax" or operating_point is None:
        return None
    return float(operating_point["threshold"])


def advise(*, p_malignant: float, malignant: bool, threshold: float | None) -> str:
    """`CONSULT` or `NO_APPOINTMENT` for a classified image.

    p_malignant: probability of a malignant class in [0, 1], for the class frequencies that
        the threshold was chosen for.
    malignant: whether the predicted class is a malignant one. That alone calls for a consultation,
        whatever the threshold: nobody is sent home with "most likely melanoma" on the screen.
    """
    consult = malignant or (threshold is not None and p_malignant >= threshold)
    return CONSULT if consult else NO_APPOINTMENT
