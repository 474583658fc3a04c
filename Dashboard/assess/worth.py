"""What an answer is worth: how often a clearance is wrong, and a probability at a prevalence."""

from collections.abc import Mapping
from typing import Any

from models.checkpoint.card import Card
from models.checkpoint.card_text import percent

PREVALENCES = (0.02, 0.05, 0.10, 0.20)
"""Shares of malignant lesions among those a clinic sees, to choose from."""
COME_BACK = "Tell the patient to come back if the lesion grows, bleeds or changes."
UNKNOWN_CLEARANCE = (
    "How many malignant lesions of a test set got this answer is not known of this model."
)


def clearance(point: Mapping[str, Any] | None) -> str:
    """How often an operating point clears a malignant lesion, and what to tell the patient.

    point: None: the most likely class decides.
    """
    test = (point or {}).get("test")
    if not test or test["sensitivity"] is None:
        return f"{UNKNOWN_CLEARANCE} {COME_BACK}"
    ends = [test[f"sensitivity_{end}"] for end in ("high", "low")]
    interval = ""
    if None not in ends:
        low, high = (100 * (1 - float(end)) for end in ends)
        interval = f"95% interval {low:.0f} to {high:.0f}, "
    return (
        "Of 100 images of malignant lesions in the test set, "
        f"{_about(100 * (1 - float(test['sensitivity'])))} got this answer "
        f"({interval}n = {test['n_malignant']:,}). {COME_BACK}"
    )


def malignant_share(prior: Mapping[str, float] | None, card: Card) -> float:
    """The share of malignant lesions, in [0, 1], that shown probabilities stand for.

    prior: class frequencies of the clinic; None: those on the card, evenly frequent if it has none.
    """
    frequencies = prior or card.prior or dict.fromkeys(card.taxonomy.codes, 1.0)
    malignant = sum(frequencies[code] for code in card.taxonomy.malignant)
    return malignant / sum(frequencies.values())


def at_prevalence(p_malignant: float, share: float, prevalence: float) -> float:
    """A malignant probability in [0, 1] where another share of the lesions is malignant.

    Bayes' rule in odds: they are multiplied by the ratio of the odds of `prevalence` to those of
    `share`, for which `p_malignant` holds; all three in [0, 1], the shares neither 0 nor 1.

    >>> round(at_prevalence(0.8, 3 / 7, 0.10), 3)
    0.372
    >>> at_prevalence(0.8, 0.2, 0.2)
    0.8
    """
    for_it = p_malignant * prevalence * (1 - share)
    against = (1 - p_malignant) * (1 - prevalence) * share
    return for_it / (for_it + against)


def at_clinic(p_malignant: float, share: float, prevalence: float) -> str:
    """`at_prevalence` in words.

    >>> at_clinic(0.8, 3 / 7, 0.10)
    'Where 10% of the lesions seen are malignant: of 100 lesions like this, about 37 are malignant.'
    """
    count = _about(100 * at_prevalence(p_malignant, share, prevalence))
    verb = "is" if count.endswith(" 1") else "are"
    return (
        f"Where {100 * prevalence:.3g}% of the lesions seen are malignant: "
        f"of 100 lesions like this, {count} {verb} malignant."
    )


def target_note(point: Mapping[str, Any] | None, target: float) -> str:
    """What to know of an operating point that is not all that `SENSITIVITY` asks for; else empty.

    point: the one in use; None: the most likely class decides.
    """
    if point is None:
        return ""
    notes = []
    reached = float(point["target_sensitivity"])
    if reached != target:
        notes.append(
            f"This model has no operating point for a sensitivity of {target:.0%}: "
            f"that for {reached:.0%} is used."
        )
    if point.get("supported") is False:
        count = f"{point['lesions']:,} " if "lesions" in point else ""
        notes.append(
            f"The {count}malignant lesions that the operating point was chosen on are too few to "
            f"promise a sensitivity of {reached:.0%}."
        )
    return " ".join(notes)


def expectation(point: Mapping[str, Any]) -> str:
    """Sensitivity and specificity on test of an operating point, and what each is of.

    Empty where they were not measured.
    """
    test = point.get("test")
    if not test:
        return ""
    sensitivity, specificity = (f"{n} {_measured(test, n)}" for n in ("sensitivity", "specificity"))
    proven = ""
    if test.get("specificity_histology") is not None:
        proven = (
            f" in all, {percent(test['specificity_histology'])} on the {test['n_histology']:,} "
            "benign ones proven by histology"
        )
    return (
        f"On the test split ({test['n']:,} images, {test['n_malignant']:,} of malignant lesions): "
        f"{sensitivity}, {specificity}{proven}."
    )


def in_words(point: Mapping[str, Any]) -> str:
    """An operating point: when it advises what, what it was chosen for, what it reaches on test."""
    target = float(point["target_sensitivity"])
    chosen = f"Chosen to find {target:.0%} of the images of malignant lesions"
    if "lower" in point:
        chosen = (
            f"Chosen to find {target:.0%} of malignant lesions by the lower confidence bound over "
            f"{point['lesions']:,} of them ({percent(point['lower'])})"
        )
    sentences = [
        f"Consultation from a malignant probability of {percent(float(point['threshold']))}, or "
        "where a malignant class is the most likely.",
        f"{chosen}.",
        expectation(point),
    ]
    high = point.get("test", {}).get("sensitivity_high")
    if high is not None and high < target:
        sentences.append(f"That is less than the {target:.0%}.")
    return " ".join(filter(None, sentences))


def _measured(test: Mapping[str, Any], name: str) -> str:
    """A share with its interval, or a dash: what was not measured, or of too few, is None."""
    if test[name] is None:
        return "–"
    low, high = test[f"{name}_low"], test[f"{name}_high"]
    if low is None or high is None:
        return percent(test[name])
    return f"{percent(test[name])} ({percent(low)} to {percent(high)})"


def of_a_hundred(share: float) -> str:
    """How many of 100 a share in [0, 1] is, in a few characters.

    >>> of_a_hundred(0.086), of_a_hundred(0.001), of_a_hundred(0.999)
    ('9', '< 1', '> 99')
    """
    return (
        _about(100 * share)
        .replace("fewer than", "<")
        .replace("more than", ">")
        .removeprefix("about ")
    )


def _about(count: float) -> str:
    """`about 9`, without rounding to none or all of 100."""
    if count < 0.5:
        return "fewer than 1"
    return "more than 99" if count > 99.5 else f"about {count:.0f}"
