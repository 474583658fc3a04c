"""What was measured of a model, at the operating point that this server advises by.

An evaluation has metrics, predictive values and groups of the first point on its card alone;
`SENSITIVITY` may ask for another, of which the card has sensitivity and specificity on test.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from Dashboard.assess.service import ModelInfo
from Dashboard.assess.worth import PREVALENCES
from models.checkpoint.predictive import predictive

AT = "_at_threshold"
ENDS = {"value": "", "low": "_low", "high": "_high"}
Metric = Mapping[str, Any]


def is_first(info: ModelInfo) -> bool:
    """Whether the point in force is the one that the evaluation speaks of."""
    point = info.operating_point
    return point is not None and point["threshold"] == info.operating_points[0]["threshold"]


def metrics_in_force(info: ModelInfo) -> list[Metric]:
    """A model's metrics, those at an operating point being of the one in force.

    Where the most likely class decides, there is none, and none of those metrics.
    """
    if is_first(info):
        return list(info.metrics)
    others = [metric for metric in info.metrics if not str(metric["metric"]).endswith(AT)]
    return others + at_point(info.operating_point)


def at_point(point: Mapping[str, Any] | None) -> list[Metric]:
    """The metrics of an operating point on test; what follows from counts has no interval."""
    test = (point or {}).get("test")
    if not test or None in (test["sensitivity"], test["specificity"]):
        return []
    base = {"split": "test", "n": test["n"]}
    found: list[Metric] = [
        base
        | {"metric": f"malignant_{name}{AT}"}
        | {end: test.get(name + suffix) for end, suffix in ENDS.items()}
        for name in ("sensitivity", "specificity")
    ]
    malignant, benign = test["n_malignant"], test["n"] - test["n_malignant"]
    hits, right = test["sensitivity"] * malignant, test["specificity"] * benign
    called = hits + benign - right
    derived = {
        "precision": hits / called if called else 0.0,
        "f1": 2 * hits / (called + malignant) if called + malignant else 0.0,
        "accuracy": (hits + right) / test["n"],
    }
    return found + [
        base | {"metric": f"malignant_{name}{AT}", "value": value, "low": None, "high": None}
        for name, value in derived.items()
    ]


def predictive_in_force(
    info: ModelInfo, measured: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Predictive values of the rule in force, by share of malignant lesions.

    measured: those of the evaluation, as of `models.checkpoint.evaluation.ModelEvaluation`.
    """
    if info.operating_point is None:
        return [entry for entry in measured if entry["rule"] == "argmax"]
    test = info.operating_point.get("test")
    if not test or None in (test["sensitivity"], test["specificity"]):
        return []
    found: list[Mapping[str, Any]] = []
    for prevalence in PREVALENCES:
        pairs = {
            end: (None, None)
            if test[f"sensitivity{suffix}"] is None or test[f"specificity{suffix}"] is None
            else predictive(test[f"sensitivity{suffix}"], test[f"specificity{suffix}"], prevalence)
            for end, suffix in ENDS.items()
        }
        found.append(
            {
                "rule": "threshold",
                "split": "test",
                "prevalence": prevalence,
                "positive": {end: pair[0] for end, pair in pairs.items()},
                "negative": {end: pair[1] for end, pair in pairs.items()},
            }
        )
    return found


def groups_in_force(
    info: ModelInfo, groups: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The groups without what was measured of them at another point than the one in force."""
    if is_first(info):
        return list(groups)
    return [
        {**group, "metrics": {k: v for k, v in group["metrics"].items() if not k.endswith(AT)}}
        for group in groups
    ]
