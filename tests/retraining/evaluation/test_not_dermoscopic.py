"""The images that are not dermatoscopic, and how many of them a score flags."""

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
    """With a score that is high for images of little contrast."""
    monkeypatch.setattr(ood, "RESAMPLES", 20)
    frame = pd.DataFrame({"lesion_id": ["a", "a", "b", "c"]})
    test = np.array([-1.0, -0.5, 0.5, -2.0])
    outside = list(not_dermoscopic_images())
    scores = np.array([float(one.image.std() < 60) for one in outside])
    limits = {"threshold": 0.5, "far_threshold": 1.0}
    found = {row["kind"]: row for row in ood.measure_kinds(frame, test, outside, scores, limits)}
    assert found["photographs"]["pictures"] == 9
    assert found["photographs"]["views"] == 9 * 7
    assert found["all"]["pictures"] == found[ood.REAL]["pictures"] + found[ood.DRAWN]["pictures"]
    for row in found.values():
        assert row["auroc"]["low"] <= row["auroc"]["value"] <= row["auroc"]["high"]
    assert found["all"]["flagged"] == pytest.approx(scores.mean())
    assert found["all"]["far"] == 0
