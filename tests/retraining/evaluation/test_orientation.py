"""Orientation: shares of verdicts that change, for a model whose answers are known."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import quality
from models.inference.views import set_upright
from models.registry.taxonomy import HAM10000
from retraining.evaluation.answers import Answers, Pictures
from retraining.evaluation.orientation import NOTHING, SAVED, UPRIGHT, measure_orientation


class Corner:
    """Calls a picture malignant whose first pixel is dark."""

    card = SimpleNamespace(
        name="corner",
        taxonomy=HAM10000,
        temperature=1.0,
        operating_point={"threshold": 0.5},
        ood={"threshold": 1.0, "far_threshold": 2.0},
    )

    def of(self, images: Sequence[NDArray[np.uint8]]) -> Answers:
        logits = np.zeros((len(images), 7))
        for row, image in zip(logits, images, strict=True):
            row[HAM10000.index("mel" if image[0, 0].mean() < 128 else "nv")] = 9
        return Answers(logits, np.zeros(len(images)))

    def answers(self, pictures: Pictures) -> Answers:
        images = [pictures.read(place) for place in range(len(pictures))]
        return self.of([set_upright(one)[0] if pictures.upright else one for one in images])


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    """One picture with a dark corner, one that is the same all over."""
    rows = []
    for name, size in (("corner", 20), ("plain", 0)):
        image = np.full((64, 64, 3), 200, np.uint8)
        image[:size, :size] = 40
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        rows.append({"image_id": name, "path": str(tmp_path / f"{name}.png")})
    assert quality.read(tmp_path / "corner.png").shape == (64, 64, 3)
    return pd.DataFrame(rows)


def test_shares(frame: pd.DataFrame) -> None:
    rows = {row["remedy"]: row for row in measure_orientation(Corner(), frame)}  # type: ignore[arg-type]
    changed = {name: (row["changed"], row["from_consultation"]) for name, row in rows.items()}
    assert changed[NOTHING] == (0.5, 0.5)
    assert changed["mean of 8 views"] == (0, 0)
    assert changed["score of 8 views"] == (0.5, 0.5)  # the class still depends on it
    assert changed[UPRIGHT] == changed[SAVED] == (0, 0)
    assert [rows[name]["views"] for name in (NOTHING, "mean of 4 views", UPRIGHT)] == [1, 4, 1]


def test_what_is_served_is_measured_on_all_and_the_rest_on_some(frame: pd.DataFrame) -> None:
    rows = measure_orientation(Corner(), frame, frame.head(1))  # type: ignore[arg-type]
    assert {row["remedy"]: row["n"] for row in rows if row["views"] == 1} == {
        NOTHING: 1,
        UPRIGHT: 2,
        SAVED: 2,
    }
