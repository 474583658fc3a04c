"""Answers of a served checkpoint: those of the classifier, asked once for each picture."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import quality
from models.inference.classifier import Classifier
from retraining.data.splits import load_split
from retraining.evaluation.answers import Pictures, ServedModel, pictures_of

pytestmark = pytest.mark.torch


@pytest.fixture
def frame(splits: Path) -> pd.DataFrame:
    return load_split(splits)["test"].head(20)


def test_they_are_the_classifier_s_and_kept(
    root: Path, cache: Path, splits: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    asked: list[str] = []
    model = ServedModel(root / "colours", tmp_path, lambda what, _n, _of: asked.append(what))
    pictures = pictures_of("test", frame)
    found = model.answers(pictures)
    images = [quality.read(Path(path)) for path in frame.path]
    expected = Classifier(root / "colours").logits(images)
    # In bfloat16 the third digit depends on how many pictures come together.
    np.testing.assert_allclose(found.logits, expected, rtol=0.02)
    assert found.ood is None
    with pytest.raises(ValueError, match="colours has no out-of-distribution score; fit it first"):
        model.scores(pictures)
    assert set(asked) == {"colours, test"}
    again = ServedModel(root / "colours", tmp_path, lambda what, _n, _of: asked.append("again"))

    def read(_place: int) -> NDArray[np.uint8]:
        raise AssertionError("a picture was read twice")

    kept = again.answers(Pictures("test", pictures.ids, read))
    np.testing.assert_array_equal(kept.logits, found.logits)
    again.answers(pictures_of("test", load_split(splits)["test"].head(21)))
    assert asked.count("again") == 1  # for the one that was not there


def test_pictures_are_set_upright_unless_said(root: Path, cache: Path, frame: pd.DataFrame) -> None:
    model, some = ServedModel(root / "colours"), frame.head(2)
    turned = lambda _place: lambda image: np.ascontiguousarray(np.rot90(image))  # noqa: E731
    plain = model.answers(pictures_of("plain", some)).logits
    np.testing.assert_array_equal(model.answers(pictures_of("turned", some, turned)).logits, plain)
    as_they_are = model.answers(pictures_of("as they are", some, turned, upright=False)).logits
    assert np.abs(as_they_are - plain).max() > 1e-3
