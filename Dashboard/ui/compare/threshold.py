"""What is to be expected of a threshold, by model, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from Dashboard.assess.service import ModelInfo
from Dashboard.assess.worth import expectation
from Dashboard.ui.elements.text import percent

# Where the models of a page advise by the most likely class, the slider has to stand somewhere.
MIDDLE = 0.5


def starting_point(infos: Sequence[ModelInfo]) -> float:
    """Where the slider stands before anybody moves it: at the most cautious threshold in use."""
    points = [info.operating_point for info in infos if info.operating_point]
    return min((float(point["threshold"]) for point in points), default=MIDDLE)


def rule_sentence(infos: Sequence[ModelInfo], tried: float | None) -> str:
    """By which threshold the verdicts on the page are given.

    infos: the models that assessed the pictures, each once.
    tried: the slider's threshold; None: nobody moved it.
    """
    if tried is not None:
        return (
            f"Tried out: {percent(tried)} for all pictures, whichever model assessed them. What is "
            "kept, and every export, has the advice as assessed."
        )
    if not infos:
        return "As assessed."
    each = ", ".join(f"{info.title} {_as_assessed(info)}" for info in infos)
    return f"As assessed{', each picture by its own model' if len(infos) > 1 else ''}: {each}."


def expectations(infos: Sequence[ModelInfo], tried: float | None) -> Iterator[str]:
    """For each model what its card expects of the threshold."""
    for info in infos:
        sentence = _expected(info, tried)
        yield f"{info.title}: {sentence}" if len(infos) > 1 else sentence


def _as_assessed(info: ModelInfo) -> str:
    point = info.operating_point
    if point is None:
        return "by the most likely class"
    return f"from a malignant probability of {percent(float(point['threshold']))}"


def _expected(info: ModelInfo, tried: float | None) -> str:
    point, curve = info.operating_point, info.operating_curve
    if tried is None:
        measured = expectation(point) if point else ""
        return f"{measured} {info.target_note}".strip() or "Not measured."
    if not curve:
        return "Its card does not say what to expect of other thresholds."
    sensitivity, specificity = at(curve, point, tried)
    return (
        f"Sensitivity {percent(sensitivity)}, specificity {percent(specificity)} "
        f"on the {curve['split']} split (n = {curve['n']:,})."
    )


def at(
    curve: Mapping[str, Any], point: Mapping[str, Any] | None, threshold: float
) -> tuple[float, float]:
    """Sensitivity and specificity between the points of a curve.

    point: the operating point in use, whose own figures stand at its threshold.

    >>> curve = {"threshold": [0, 1], "sensitivity": [1, 0], "specificity": [0, 1]}
    >>> at(curve, None, 0.25)
    (0.75, 0.25)
    """
    known = {
        float(place): (float(sensitivity), float(specificity))
        for place, sensitivity, specificity in zip(
            curve["threshold"], curve["sensitivity"], curve["specificity"], strict=True
        )
    }
    test = (point or {}).get("test")
    if point and test and None not in (test["sensitivity"], test["specificity"]):
        known[float(point["threshold"])] = (test["sensitivity"], test["specificity"])
    places = sorted(known)
    found = [np.interp(threshold, places, [known[one][n] for one in places]) for n in (0, 1)]
    return float(found[0]), float(found[1])
