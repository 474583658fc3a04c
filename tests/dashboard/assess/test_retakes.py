"""What a change is held against: the spread of retakes, as the study's table says."""

from pathlib import Path

import pytest

from Dashboard.assess import retakes

TABLE = """model,version,group,measure,lesions,pairs,percentile,value,low,high
m,1,test and val,area,10,12,50,0.1,0,1
m,1,test and val,area,10,12,95,0.25,0,1
m,1,test and val,p_malignant,11,13,95,0.3,0,1
m,1,train,area,99,99,50,9,0,1
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "percentiles.csv"
    file.write_text(TABLE)
    spread = retakes.retake_spread(file)
    monkeypatch.setattr(retakes, "retake_spread", lambda: spread)
    return file


@pytest.mark.parametrize(
    ("measure", "value", "below"),
    [
        ("area", 0.05, 0),
        ("area", 0.2, 50),
        ("area", -0.15, 50),  # 1 / 0.85 is 1.18
        ("area", 0.26, 95),
        ("area", -0.21, 95),
        ("area", -1, 95),
        ("p_malignant", -0.4, 95),
        ("area", None, None),
        ("colour", 3, None),
    ],
)
def test_how_many_retakes_differ_by_less(
    table: Path, measure: retakes.Measure, value: float | None, below: float | None
) -> None:
    assert retakes.retakes_below(measure, value) == below


def test_the_spread_says_what_it_is_of(table: Path) -> None:
    found = retakes.retake_spread()["area"]
    assert (found.lesions, found.pairs, found.model, found.version) == (10, 12, "m", "1")
    assert (found.at(95), found.at(90)) == (0.25, None)


def test_without_a_table_nothing_is_said(tmp_path: Path) -> None:
    assert retakes.retake_spread(tmp_path / "none.csv") == {}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert retakes.retake_spread(tmp_path / "other.csv") == {}
