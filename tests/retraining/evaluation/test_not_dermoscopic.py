"""The images that are not dermatoscopic, and how many of them a score flags."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("skimage")

from retraining.evaluation import ood
from retraining.evaluation.not_dermoscopic import not_dermoscopic_images


@pytest.mark.slow
def test_the_images_are_many_and_always_the_same() -> None:
    first = [(*one[:3], one.image.shape, int(one.image.sum())) for one in not_dermoscopic_images()]
    assert first == [
        (*one[:3], one.image.shape, int(one.image.sum())) for one in not_dermoscopic_images()
    ]
    real = {kind for kind, photographed, *_ in first if photographed}
    drawn = {kind for kind, photographed, *_ in first if not photographed}
    assert {"photographs", "textures", "scanned pages", "small grey faces, enlarged"} <= real
    assert {"graphics", "drawn pages", "drawn screenshots", "noise"} <= drawn
    assert len(first) > 300
    assert {shape[2] for *_, shape, _ in first} == {3}


@pytest.mark.slow
def test_images_and_their_views_are_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a classifier whose score is high for images of little contrast."""

    class Classifier:
        def predict(self, pictures: list[np.ndarray]) -> list[SimpleNamespace]:
            return [SimpleNamespace(ood_score=float(one.std() < 60)) for one in pictures]

    monkeypatch.setattr(ood, "RESAMPLES", 20)
    frame = pd.DataFrame({"lesion_id": ["a", "a", "b", "c"]})
    test = np.array([-1.0, -0.5, 0.5, -2.0])
    found = {row["kind"]: row for row in ood.measure_kinds(Classifier(), frame, test, 0.5)}
    assert found["photographs"]["pictures"] == 9
    assert found["photographs"]["views"] == 9 * 7
    assert found["all"]["pictures"] == found[ood.REAL]["pictures"] + found[ood.DRAWN]["pictures"]
    for row in found.values():
        assert row["auroc"]["low"] <= row["auroc"]["value"] <= row["auroc"]["high"]
    scores = np.array([float(one.image.std() < 60) for one in not_dermoscopic_images()])
    assert found["all"]["flagged"] == pytest.approx(scores.mean())
