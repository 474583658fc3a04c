import pytest

from Dashboard.messages import CONSULT, NO_APPOINTMENT, RETAKE, AdviceRule, advise, decision_rule


def test_messages_word_for_word() -> None:
    assert RETAKE == "Please retake your image"
    assert CONSULT == "Please schedule patient for a consultation"
    assert NO_APPOINTMENT == "Patient does not need another appointment"


@pytest.mark.parametrize(
    ("rule", "threshold", "p_malignant", "malignant", "expected"),
    [
        ("threshold", 0.3, 0.3, False, CONSULT),
        ("threshold", 0.3, 0.2999, True, NO_APPOINTMENT),
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
        p_malignant=p_malignant, malignant=malignant, rule=rule, operating_point=point
    )
    assert advice == expected


def test_the_rule_that_applies() -> None:
    assert decision_rule("threshold", None) == "argmax"
    assert decision_rule("threshold", {"threshold": 0.5}) == "threshold"
    assert decision_rule("argmax", {"threshold": 0.5}) == "argmax"
