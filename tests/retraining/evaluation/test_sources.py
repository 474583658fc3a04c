"""Sources: which pictures of other clinics are taken."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from models.registry.taxonomy import HAM10000
from retraining.data.splits import load_split
from retraining.evaluation.sources import PARTS, read_sources


def test_an_image_counts_for_the_first_source(splits: Path, tmp_path: Path) -> None:
    second = Path(shutil.copytree(splits, tmp_path / "second"))
    extra = pd.read_csv(second / "val.csv").head(3)
    extra["image_id"] = ["other_0", "other_1", "other_2"]
    extra.to_csv(second / "val.csv", index=False)
    first, other = read_sources([f"A clinic={splits}", f"Another={second}"], HAM10000)
    whole = load_split(splits)
    for part, split in PARTS.items():
        assert len(first.parts[part]) == len(whole[split])
    assert other.parts["choose"].image_id.tolist() == ["other_0", "other_1", "other_2"]
    assert other.parts["external"].empty
    assert (first.name, first.small) == ("A clinic", True)  # 48 pixels


def test_the_same_ones_are_taken_whatever_else_is_there(splits: Path, tmp_path: Path) -> None:
    (few,) = read_sources([f"A={splits}"], HAM10000, at_most=5)
    shorter = Path(shutil.copytree(splits, tmp_path / "shorter"))
    frame = pd.read_csv(shorter / "test.csv")
    taken = few.parts["external"].image_id
    frame[frame.image_id.isin([*taken, *frame.image_id[::2]])].to_csv(
        shorter / "test.csv", index=False
    )
    (again,) = read_sources([f"A={shorter}"], HAM10000, at_most=5)
    assert again.parts["external"].image_id.tolist() == taken.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [("folder", "NAME=FOLDER"), ("=folder", "NAME=FOLDER"), ("A=nowhere", "A has no train.csv")],
)
def test_what_is_no_source(given: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_sources([given], HAM10000)
