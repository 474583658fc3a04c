"""Answers of a served checkpoint: those of the classifier, asked once; the OOD score from them."""

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import quality
from models.checkpoint.card import load_card
from models.checkpoint.evaluation import load_evaluation
from models.inference.classifier import Classifier
from retraining.data.splits import load_split
from retraining.evaluation import ood
from retraining.evaluation.answers import Pictures, ServedModel, pictures_of
from retraining.evaluation.not_dermoscopic import not_dermoscopic_images
from retraining.evaluation.sources import read_sources

pytestmark = pytest.mark.torch


@pytest.fixture
def frame(splits: Path) -> pd.DataFrame:
    return load_split(splits)["test"].head(20)


def test_they_are_the_classifier_s_and_kept(
    root: Path,
    cache: Path,
    splits: Path,
    frame: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = ServedModel(root / "colours").precision
    # In bfloat16 the third digit depends on how many pictures come together.
    monkeypatch.setattr("retraining.evaluation.answers.choose_precision", lambda *_: "f32")
    asked: list[str] = []
    model = ServedModel(root / "colours", tmp_path, lambda what, _n, _of: asked.append(what))
    pictures = pictures_of("test", frame)
    found = model.answers(pictures)
    images = [quality.read(Path(path)) for path in frame.path]
    assert chosen == Classifier(root / "colours").precision
    expected = Classifier(root / "colours", precision="f32").logits(images)
    np.testing.assert_allclose(found.logits, expected, rtol=1e-4)
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


@pytest.mark.slow
def test_thresholds_are_of_the_source_that_needs_the_widest(
    root: Path, splits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ood, "RESAMPLES", 5)
    monkeypatch.setattr(ood, "VARIANTS", dict(islice(ood.VARIANTS.items(), 1)))
    monkeypatch.setattr(
        ood, "not_dermoscopic_images", lambda: islice(not_dermoscopic_images(), 0, 342, 40)
    )
    own = tmp_path / "weights"
    shutil.copytree(root / "colours", own / "colours")
    sources = read_sources([f"Elsewhere={splits}"], load_card(own / "colours").taxonomy)
    card, evaluation = ood.fit_ood(
        "colours", splits, sources=sources, root=own, cache=tmp_path / "kept", corrupted=2
    )
    assert card.ood == load_card(own / "colours").ood
    assert card.ood is not None
    assert evaluation.ood is not None
    assert evaluation == load_evaluation(own / "colours")
    assert 0 < card.ood["threshold"] <= card.ood["far_threshold"]
    val = load_split(splits)["val"]
    scores = ServedModel(own / "colours", tmp_path / "kept").scores(pictures_of("val", val))
    assert card.ood["threshold"] == pytest.approx(np.quantile(scores, 1 - ood.FLAGGED))
    assert [row["source"] for row in evaluation.ood["sources"]] == ["test", "Elsewhere"]
    first, second = (row["flagged"]["value"] for row in evaluation.ood["sources"])
    assert first == second  # the same pictures
    for row in evaluation.ood["kinds"]:
        assert row["far"] <= row["flagged"]
