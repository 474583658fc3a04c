"""The report on advice: rows and page of what cards and evaluations hold."""

from typing import Any

from retraining.reports.advice import ood_of, points_of, report

SHARE = {"value": 0.012, "low": 0.01, "high": 0.02}
MEASURED = {
    "n": 200, "n_malignant": 40,
    "sensitivity": 0.95, "sensitivity_low": 0.9, "sensitivity_high": 0.99,
    "specificity": 0.6, "specificity_low": 0.5, "specificity_high": 0.7,
}  # fmt: skip
HISTOLOGY = {"specificity_histology": 0.4, "n_histology": 50}


def point(target: float, supported: bool) -> dict[str, Any]:
    return {
        "target_sensitivity": target, "threshold": 0.2, "lesions": 60, "lower": 0.951,
        "supported": supported, "test": MEASURED | HISTOLOGY,
    }  # fmt: skip


def test_rows_and_page() -> None:
    points = [point(0.95, True), point(0.98, False)]
    alone = MEASURED | {"sensitivity_low": None, "sensitivity_high": None}
    rows = points_of("one", points, [{"source": "Elsewhere", "points": [alone, alone]}])
    assert [(row["target"], row["pictures"]) for row in rows] == [
        (0.95, "test"), (0.95, "Elsewhere"), (0.98, "test"), (0.98, "Elsewhere")
    ]  # fmt: skip
    assert round(rows[0]["cleared_of_100"], 6) == 5
    source = {"source": "test", "n": 200, "n_malignant": 40, "far_malignant": 1}
    kinds = [{"kind": "all", "pictures": 9, "views": 63, "flagged": 0.98, "far": 0.9}]
    ood = ood_of("one", {"sources": [source | {"flagged": SHARE, "far": SHARE}], "kinds": kinds})
    turned = {"model": "one", "remedy": "nothing", "views": 1, "n": 300}
    page = report(rows, ood, [turned | {"changed": 0.13, "from_consultation": 0.1}])
    for text in (
        "| one | 0.95 | 0.200 | 0.951 (60) | test | 200 (40) | 0.950 (0.900 to 0.990) |",
        "| 0.400 (50) | 5.0 |",
        "| Elsewhere | 200 (40) | 0.950 | 0.600 (0.500 to 0.700) | – | 5.0 |",
        "Too few malignant lesions to support the target 0.98 of one.",
        "| one | test | 200 | 1.2% (1.0% to 2.0%) | 1.2% (1.0% to 2.0%) | 1 of 40 |",
        "| one | not dermatoscopic: all | 63 | 98.0% | 90.0% | – |",
        "| one | nothing | 1 | 300 | 13.0% | 10.0% |",
    ):
        assert text in page
