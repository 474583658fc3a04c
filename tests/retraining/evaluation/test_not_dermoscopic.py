"""The pictures that are not dermatoscopic, and what is told of how they are rejected."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("skimage")

from retraining.evaluation import ood
from retraining.evaluation.not_dermoscopic import foreign_pictures


@pytest.mark.slow
def test_foreign_pictures_are_many_and_always_the_same() -> None:
    first = [(*one[:3], one.picture.shape, int(one.picture.sum())) for one in foreign_pictures()]
    assert first == [
        (*one[:3], one.picture.shape, int(one.picture.sum())) for one in foreign_pictures()
    ]
    real = {kind for kind, photographed, *_ in first if photographed}
    drawn = {kind for kind, photographed, *_ in first if not photographed}
    assert {"photographs", "textures", "scanned pages", "small grey faces, enlarged"} <= real
    assert {"graphics", "drawn pages", "drawn screenshots", "noise"} <= drawn
    assert len(first) > 300
    assert {shape[2] for *_, shape, _ in first} == {3}


@pytest.mark.slow
def test_pictures_and_their_views_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a classifier that finds pictures of little contrast strange."""

    class Classifier:
        def predict(self, pictures: list[np.ndarray]) -> list[SimpleNamespace]:
            return [SimpleNamespace(ood_score=float(one.std() < 60)) for one in pictures]

    monkeypatch.setattr(ood, "RESAMPLES", 20)
    frame = pd.DataFrame({"lesion_id": ["a", "a", "b", "c"]})
    test = np.array([-1.0, -0.5, 0.5, -2.0])
    found = ood.rejected_by_kind(Classifier(), frame, test, 0.5, None)
    assert found["pictures"]["photographs"] == 9
    assert found["views"]["photographs"] == 9 * 7
    assert found["pictures"]["all"] == found["pictures"][ood.REAL] + found["pictures"][ood.DRAWN]
    assert set(found["auroc"]) == set(found["auroc_interval"]) == set(found["rejected"])
    for kind, (low, high) in found["auroc_interval"].items():
        assert low <= found["auroc"][kind] <= high
    scores = np.array([float(one.picture.std() < 60) for one in foreign_pictures()])
    assert found["rejected"]["all"] == pytest.approx(scores.mean())
