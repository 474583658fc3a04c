"""The rules by which a picture of any shape becomes a square."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from studies.proportions.study import RULES, write_report


@pytest.fixture
def wide() -> np.ndarray:
    """Columns numbered from the left, 12 wide and 8 high."""
    return np.broadcast_to(np.arange(12, dtype=np.uint8)[None, :, None], (8, 12, 3)).copy()


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("squeezed", [list(range(12))]),
        ("centre square", [list(range(2, 10))]),
        ("padded", [list(range(12))]),
        ("three crops", [list(range(8)), list(range(2, 10)), list(range(4, 12))]),
    ],
)
def test_what_each_rule_shows(rule: str, columns: list[list[int]], wide: np.ndarray) -> None:
    made = RULES[rule](wide)
    assert [one[len(one) // 2, :, 0].tolist() for one in made] == columns
    if rule != "squeezed":
        assert all(one.shape[0] == one.shape[1] for one in made)
    turned = RULES[rule](np.ascontiguousarray(wide.transpose(1, 0, 2)))
    for one, other in zip(made, turned, strict=True):
        assert (one.transpose(1, 0, 2) == other).all()


def test_padding_mirrors_the_picture() -> None:
    tall = np.arange(9, dtype=np.uint8).reshape(3, 3, 1).repeat(3, 2)[:, :1]
    (square,) = RULES["padded"](np.ascontiguousarray(np.hstack([tall, tall + 1])))
    assert square[:, :, 0].tolist() == [[0, 1, 0], [3, 4, 3], [6, 7, 6]]


def test_the_report_has_a_line_for_each_rule(tmp_path: Path) -> None:
    shares = ("same_class", "same_verdict", "p_malignant_apart", "correct")
    row: dict[str, object] = dict.fromkeys(shares, 0.5)
    table = pd.DataFrame(
        [{"model": "m", "rule": r, "n": 3, "correct_copy": 1, **row} for r in RULES]
    )
    write_report(table, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert text.count("| m |") == len(RULES)
    assert len(pd.read_csv(tmp_path / "rules.csv")) == len(RULES)
