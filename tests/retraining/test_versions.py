"""Versions of checkpoints tell apart what was made on one day."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.checkpoints import WEIGHTS_DIR

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

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
