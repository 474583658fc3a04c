"""The table of rules: what each says, and what holds over all that may come."""

from itertools import product

import pytest

from Dashboard.assess.advice import POOR, RULES, UNLIKE, Evidence, advise, point_in_use
from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT, NOT_DERMATOSCOPIC, RETAKE
from models.inference.classifier import Opinion
from tests.dashboard.conftest import card, point

YES = Opinion("one", "member", 0.4, False)
NO = Opinion("two", "member", 0.1, False)
LEADS = Opinion("three", "member", 0.1, True)
TURNED = Opinion("turned by 90 degrees", "view", 0.1, False)


def test_messages_word_for_word() -> None:
    assert RETAKE == "Please retake your image"
    assert CONSULT == "Please schedule patient for a consultation"
    assert NO_APPOINTMENT == "Patient does not need another appointment"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({}, "no_appointment"),
        ({"p_malignant": 0.3}, "consultation"),
        ({"p_malignant": 0.2999}, "no_appointment"),
        ({"malignant": True}, "consultation"),
        ({"p_malignant": 0.9, "threshold": None}, "no_appointment"),
        ({"malignant": True, "threshold": None}, "consultation"),
        ({"rejected": True, "p_malignant": 0.9, "malignant": True}, "retake"),
        ({"rejected": True, "gate": False}, "none"),
        ({"rejected": True, "gate": False, "p_malignant": 0.3}, "consultation"),
        ({"gate": False}, "no_appointment"),
        ({"in_distribution": False}, "none"),
        ({"in_distribution": False, "malignant": True}, "consultation"),
        ({"in_distribution": False, "dermatoscopic": False, "p_malignant": 0.9}, "none"),
    ],
)
def test_rules(values: dict, verdict: str) -> None:
    assert advise(Evidence(**{"threshold": 0.3} | values)).verdict == verdict


def test_what_holds_of_every_image() -> None:
    """All that the rules look at, in all combinations."""
    cases = product(
        (False, True), (False, True), (0.1, 0.4), (False, True), (None, 0.3),
        (None, True, False), (None, True, False), ((), (YES,), (NO, LEADS), (TURNED,)),
    )  # fmt: skip
    decided = set()
    for case in cases:
        evidence = Evidence(*case)
        found = advise(evidence)
        decided.add(next(i for i, rule in enumerate(RULES) if rule.holds(evidence)))
        consults = evidence.malignant or (evidence.threshold or 1) <= evidence.p_malignant
        refused = evidence.rejected and evidence.gate
        assert (found.verdict == "retake") == refused
        if refused:
            assert found == advise(Evidence(rejected=True))  # nothing about classes
            continue
        assert (found.verdict == "consultation") == (
            consults and evidence.dermatoscopic is not False
        )
        if evidence.rejected or evidence.in_distribution is False:
            assert found.verdict != "no_appointment"
        assert (found.text is None) == (found.verdict == "none")
        assert (found.message == NO_APPOINTMENT) == (found.verdict == "no_appointment")
        assert (found.certainty == "uncertain") == bool(found.reasons)
        on_other_side = [one for one in evidence.opinions if evidence.agrees(one) != consults]
        told = on_other_side or found.verdict != "none"
        assert (found.second_opinion is None) == (not evidence.opinions or not told)
        assert (found.second_opinion in found.reasons) == bool(on_other_side)
    assert decided == set(range(len(RULES)))  # no rule is never reached


def test_why_an_answer_is_uncertain() -> None:
    found = advise(Evidence(True, False, 0.4, threshold=0.3, in_distribution=False))
    assert found.reasons == (POOR, UNLIKE)
    opinions = advise(Evidence(threshold=0.3, opinions=(YES, NO, LEADS, TURNED)))
    assert opinions.reasons == (
        "2 of 3 models advise a consultation. "
        "0 of 1 view of the image, turned and mirrored, advises a consultation.",
    )
    assert opinions.certainty == "uncertain"
    alike = advise(Evidence(p_malignant=0.4, threshold=0.3, opinions=(YES, LEADS)))
    assert (alike.certainty, alike.reasons) == ("clear", ())
    assert alike.second_opinion == "2 of 2 models advise a consultation."
    one = advise(Evidence(threshold=0.3, opinions=(YES, NO)))
    assert one.second_opinion == "1 of 2 models advises a consultation."


def test_clearly_no_dermatoscopic_image_is_said_so() -> None:
    found = advise(Evidence(p_malignant=0.9, malignant=True, threshold=0.3, dermatoscopic=False))
    assert (found.message, found.text) == (NOT_DERMATOSCOPIC, None)


def test_the_point_that_the_advice_follows() -> None:
    points = [point(0.3), point(0.4, 0.90), point(0.1, 0.98)]
    of = card("m")
    assert point_in_use("threshold", of, 0.95) is None
    of.operating_points.extend(points[:2])
    assert point_in_use("argmax", of, 0.95) is None
    assert point_in_use("threshold", of, 0.90) is points[1]
    assert point_in_use("threshold", of, 0.98) is points[0]  # the most sensitive that there is
    of.operating_points.append(points[2])
    assert point_in_use("threshold", of, 0.98) is points[2]
