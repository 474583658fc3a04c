"""What is said beside similar cases: the report's figures, and whose they are."""

from pathlib import Path

import pytest

from Dashboard.proven.agreement import REPORT, agreement, measured
from Dashboard.proven.similar import Neighbour, Similar
from models.registry.taxonomy import HAM10000

NEIGHBOUR = Neighbour("k", None, "L", "Melanoma", "mel", True, "histology", 0.9, "")
LINES = """model,version,n,lesions,k,class,value,low,high
a,1,3607,2691,5,mean,0.66,0.63,0.69
a,1,3607,2691,10,mel,0.466,0.43,0.5
a,1,3607,2691,10,nv,0.868,0.85,0.88
a,1,3607,2691,10,mean,0.6536,0.625,0.68
b,1,3607,2691,10,mel,0.3,0.2,0.4
b,1,3607,2691,10,mean,0.3,0.2,0.4
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    (tmp_path / "agreement.csv").write_text(LINES)
    return tmp_path / "agreement.csv"


def test_the_figures_of_the_model_in_use(report: Path) -> None:
    said = agreement(Similar([NEIGHBOUR], "a", "1"), report)
    assert said == (
        "Looking alike proves nothing: of 3,607 pictures whose diagnosis was known, the nearest "
        "10 lesions had the same one in 65% (62% to 68%) on average over the classes, from 47% "
        "for melanoma to 87% for melanocytic nevi."
    )


@pytest.mark.parametrize(
    ("model", "version", "end"),
    [
        ("a", "2", "That was measured with version 1 of the model."),
        ("c", "1", "That was measured with another model, a."),
    ],
)
def test_whose_the_figures_are(report: Path, model: str, version: str, end: str) -> None:
    assert agreement(Similar([NEIGHBOUR], model, version), report).endswith(end)


def test_without_a_report_or_neighbours(tmp_path: Path, report: Path) -> None:
    nowhere = tmp_path / "none.csv"
    assert agreement(Similar([NEIGHBOUR], "a", "1"), nowhere) == "Looking alike proves nothing."
    assert agreement(Similar(), report) == ""


def test_the_shipped_report_has_every_class() -> None:
    for one in measured(REPORT).values():
        assert set(one.by_class) == set(HAM10000.codes)
        assert min(one.by_class.values()) < one.mean[1] < one.mean[2] < max(one.by_class.values())
    assert "resnext50_32x4d" in measured(REPORT)
