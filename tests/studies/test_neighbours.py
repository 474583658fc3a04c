"""Neighbours of a picture: other lesions, each once, and how often they have its class."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from studies.neighbours.study import nearest, shares, write_report


def test_each_lesion_once_and_the_own_one_never() -> None:
    angles = np.radians([0, 5, 10, 20, 30, 200, 210, 220])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vectors -= vectors.mean(0)  # so that taking the mean off changes nothing
    lesions = np.array(["a", "a", "b", "b", "c", "d", "d", "e"])
    found = nearest(vectors, lesions, 3)
    own = lesions[found]
    assert all(name not in row for name, row in zip(lesions, own, strict=True))
    assert all(len(set(row)) == 3 for row in own)
    assert own[0].tolist()[:2] == ["b", "c"]
    assert own[7][0] == "d"


def test_too_few_lesions() -> None:
    with pytest.raises(ValueError, match="k must be below the number of lesions, 2, got 2"):
        nearest(np.eye(3), np.array(["a", "a", "b"]), 2)


def test_shares_are_means_over_pictures_and_classes() -> None:
    same, classes = np.array([1.0, 0.0, 0.5, 0.5]), np.array(["a", "a", "b", "b"])
    found = shares(same, classes, np.arange(4))
    assert {name: one["value"] for name, one in found.items()} == {"a": 0.5, "b": 0.5, "mean": 0.5}
    assert (found["b"]["low"], found["b"]["high"]) == (0.5, 0.5)
    assert found["a"]["low"] == 0.0


def test_the_report_has_a_line_for_each_class(tmp_path: Path) -> None:
    share = {"value": 0.65, "low": 0.6, "high": 0.7}
    common = {"model": "m", "version": "1", "n": 3607, "lesions": 2691, "k": 10}
    write_report(pd.DataFrame([common | {"class": c} | share for c in ("mel", "mean")]), tmp_path)
    assert "| m 1 | 10 | mel | 0.65 | 0.60 to 0.70 |" in (tmp_path / "report.md").read_text()
    table = pd.read_csv(tmp_path / "agreement.csv")
    assert table["class"].tolist() == ["mel", "mean"]
