"""Files that commands write: whole or not at all."""

import csv
from pathlib import Path

import pytest

from quality.output import write_csv


def test_a_table_replaces_another_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_csv(out, ("a", "b"), [{"a": 1, "b": "x, y"}])
    with out.open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"a": "1", "b": "x, y"}]
    before = out.read_bytes()
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_csv(out, ("a", "b"), [{"a": 1, "c": 2}])
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]
