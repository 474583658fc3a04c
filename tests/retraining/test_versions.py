"""Versions of checkpoints tell apart what was made on one day, and how each was made is told."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.checkpoints import WEIGHTS_DIR

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.lineage import flattened  # noqa: E402
from retraining.promote import next_version  # noqa: E402

TODAY = datetime.now(UTC).strftime("%Y.%m.%d")


@pytest.mark.parametrize(
    ("there", "made"),
    [
        (None, TODAY),
        ("2020.01.31", TODAY),
        ("2020.01.31.4", TODAY),
        ("of mine", TODAY),
        (TODAY, f"{TODAY}.2"),
        (f"{TODAY}.9", f"{TODAY}.10"),
    ],
)
def test_the_next_version(tmp_path: Path, there: str | None, made: str) -> None:
    if there:
        card = json.loads((WEIGHTS_DIR / "resnext50_32x4d" / "card.json").read_text())
        (tmp_path / "card.json").write_text(json.dumps({**card, "version": there}))
    assert next_version(tmp_path) == made


def test_an_ancestor_of_many_stands_once_and_is_told_as_fully_as_anywhere() -> None:
    oldest = {"name": "oldest", "version": "1", "weights_sha256": "0123456789abcdef"}
    origin = {"data": "ours", "weights": {"start": "none"}, "teachers": [{"name": "unknown"}]}
    fuller = {**oldest, "provenance": origin}
    middle = {"name": "middle", "training": {"config": {}}}
    middle["provenance"] = {"weights": {"start": oldest}, "teachers": [fuller, oldest]}
    tree = {"weights": {"start": fuller}, "teachers": [middle, oldest]}
    flat = flattened(tree)
    first = "oldest 1 01234567"
    assert flat["weights"]["start"] == flat["teachers"][1] == first
    assert set(flat["ancestors"]) == {first, "unknown", flat["teachers"][0]}
    assert flat["ancestors"][first]["provenance"] == {
        "weights": {"start": "none"}, "teachers": ["unknown"],
    }  # fmt: skip
    told = flat["ancestors"][flat["teachers"][0]]["provenance"]
    assert (told["weights"]["start"], told["teachers"]) == (first, [first, first])
    assert flattened(flat) == flat
    assert flattened({"data": "ours"}) == {"data": "ours"}
