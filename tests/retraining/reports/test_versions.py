"""Versions of checkpoints tell apart what was made on one day, and how each was made is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint.card import WEIGHTS_DIR, load_card
from models.registry.taxonomy import HAM10000

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.publishing.card_files import write_card
from retraining.publishing.provenance import provenance
from retraining.publishing.publish import next_version
from retraining.training.config import TrainConfig

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


def write_checkpoint(folder: Path, **told: Any) -> str:
    """A folder that is taken for a checkpoint, with what its card says."""
    folder.mkdir()
    card = load_card(WEIGHTS_DIR / "efficientnet_lite0")
    write_card(folder, replace(card, name=folder.name, version="1", training={}, **told))
    (folder / "model.safetensors").touch()
    return str(folder)


def test_an_ancestor_of_many_stands_once_and_is_told_as_fully_as_anywhere(tmp_path: Path) -> None:
    origin = {"weights": {"start": "none"}, "teachers": ["unknown"]}
    first = "oldest 1 01234567"
    brief = {"name": "oldest", "version": "1", "weights_sha256": "0123456789abcdef"}
    whole = brief | {"provenance": origin}
    teachers = [
        write_checkpoint(
            tmp_path / name,
            weights_sha256=name * 8,
            provenance={"weights": {"start": first}, "teachers": [first], "ancestors": known},
        )
        for name, known in (
            ("a", {first: brief}),
            ("b", {first: whole, "unknown": {"name": "unknown"}}),
            ("c", {first: brief}),
        )
    ]
    told = provenance(TrainConfig(weights="none", teachers=tuple(teachers)), HAM10000)
    keys = [f"{name} 1 {name * 8}" for name in "abc"]
    assert told["teachers"] == keys
    assert set(told["ancestors"]) == {first, "unknown", *keys}
    assert told["ancestors"][first] == whole
    for key in keys:
        assert told["ancestors"][key]["provenance"] == {
            "weights": {"start": first}, "teachers": [first],
        }  # fmt: skip
