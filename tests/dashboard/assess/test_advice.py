import pytest

from Dashboard.assess.advice import advise
from Dashboard.assess.advice import threshold as operating_threshold
from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT, RETAKE
from Dashboard.config import AdviceRule


def test_messages_word_for_word() -> None:
    assert RETAKE == "Please retake your image"
    assert CONSULT == "Please schedule patient for a consultation"
    assert NO_APPOINTMENT == "Patient does not need another appointment"


@pytest.mark.parametrize(
    ("rule", "threshold", "p_malignant", "malignant", "expected"),
    [
        ("threshold", 0.3, 0.3, False, CONSULT),
        ("threshold", 0.3, 0.2999, False, NO_APPOINTMENT),
        ("threshold", 0.3, 0.2999, True, CONSULT),  # the most likely class is malignant
        ("threshold", None, 0.9, False, NO_APPOINTMENT),
        ("threshold", None, 0.1, True, CONSULT),
        ("argmax", 0.3, 0.9, False, NO_APPOINTMENT),
        ("argmax", 0.3, 0.1, True, CONSULT),
    ],
)
def test_advice(
    rule: AdviceRule, threshold: float | None, p_malignant: float, malignant: bool, expected: str
) -> None:
    point = None if threshold is None else {"threshold": threshold}
    advice = advise(
        p_malignant=p_malignant, malignant=malignant, threshold=operating_threshold(rule, point)
    )
    assert advice == expected


def test_the_threshold_that_applies() -> None:
    assert operating_threshold("threshold", None) is None
    assert operating_threshold("threshold", {"threshold": 0.5, "sensitivity": 0.9}) == 0.5
    assert operating_threshold("argmax", {"threshold": 0.5}) is None
