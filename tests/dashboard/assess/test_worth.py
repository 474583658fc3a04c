"""What an answer is worth: hand-computed figures, and the sentences that say them."""

import pytest

from Dashboard.assess import worth
from tests.dashboard.conftest import card, point


def test_a_clearance_in_words() -> None:
    assert worth.clearance(point(0.3)) == (
        "Of 100 images of malignant lesions in the test set, about 9 got this answer "
        "(95% interval 6 to 14, n = 391). "
        "Tell the patient to come back if the lesion grows, bleeds or changes."
    )


@pytest.mark.parametrize(
    "unmeasured", [None, {"threshold": 0.3}, {"test": {"sensitivity": None, "n_malignant": 0}}]
)
def test_a_clearance_that_was_not_measured(unmeasured: dict | None) -> None:
    told = worth.clearance(unmeasured)
    assert told == f"{worth.UNKNOWN_CLEARANCE} {worth.COME_BACK}"


def test_of_too_few_images_there_is_no_interval() -> None:
    few = point(0.3)
    ends = {f"{name}_{end}" for name in ("sensitivity", "specificity") for end in ("low", "high")}
    few["test"] |= dict.fromkeys(ends) | {"specificity": None}
    assert "about 9 got this answer (n = 391)." in worth.clearance(few)
    told = worth.in_words(few)
    assert "sensitivity 91.0%, specificity – in all" in told
    assert "less than" not in told


@pytest.mark.parametrize(
    ("p", "share", "prevalence", "found"),
    [
        (0.5, 0.5, 0.2, 0.2),  # says nothing: the prevalence stays
        (0.8, 0.5, 0.2, 0.5),  # odds of 4 times a quarter
        (0.8, 3 / 7, 0.1, 16 / 43),  # 4 x (1/9) / (3/4) = 16/27
        (0.3, 0.2, 0.2, 0.3),
        (0.0, 0.4, 0.1, 0.0),
        (1.0, 0.4, 0.1, 1.0),
    ],
)
def test_a_probability_at_a_prevalence(
    p: float, share: float, prevalence: float, found: float
) -> None:
    assert worth.at_prevalence(p, share, prevalence) == pytest.approx(found)
    assert worth.at_prevalence(found, prevalence, share) == pytest.approx(p)  # and back


def test_the_share_of_malignant_lesions_that_a_probability_holds_for() -> None:
    even = card("m")
    assert worth.malignant_share(None, even) == pytest.approx(3 / 7)
    prior = {"akiec": 3, "bcc": 5, "bkl": 11, "df": 1, "mel": 11, "nv": 67, "vasc": 2}
    assert worth.malignant_share(prior, even) == pytest.approx(0.19)


def test_what_falls_short_of_the_target_is_said() -> None:
    assert worth.target_note(None, 0.95) == ""
    assert worth.target_note(point(0.3), 0.95) == ""
    assert worth.target_note(point(0.3), 0.98) == (
        "This model has no operating point for a sensitivity of 98%: that for 95% is used."
    )
    poor = point(0.1, 0.98, supported=False, lesions=208)
    assert worth.target_note(poor, 0.98) == (
        "The 208 malignant lesions that the operating point was chosen on are too few to promise "
        "a sensitivity of 98%."
    )


def test_what_a_sensitivity_and_a_specificity_are_of() -> None:
    assert worth.expectation(point(0.3)) == (
        "On the test split (2,004 images, 391 of malignant lesions): sensitivity 91.0% (86.0% to "
        "94.0%), specificity 73.0% (70.0% to 75.0%) in all, 42.0% on the 659 benign ones proven "
        "by histology."
    )
    assert worth.expectation({"threshold": 0.3}) == ""


def test_an_operating_point_in_words() -> None:
    told = worth.in_words(point(0.275, lower=0.9512, lesions=503))
    assert told == (
        "Consultation from a malignant probability of 27.5%, or where a malignant class is the "
        "most likely. Chosen to find 95% of malignant lesions by the lower confidence bound over "
        f"503 of them (95.1%). {worth.expectation(point(0.275))} That is less than the 95%."
    )
    assert "less than" not in worth.in_words(point(0.3, 0.90))
    bare = worth.in_words({"threshold": 0.3, "target_sensitivity": 0.95})
    assert bare.endswith("Chosen to find 95% of the images of malignant lesions.")
