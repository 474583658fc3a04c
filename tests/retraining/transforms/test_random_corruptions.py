"""Corruptions drawn into training pictures: by chance, repeatable, and not seen by the teachers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from retraining.transforms import random_corruptions as corruptions
from retraining.transforms.augmentation import Augmentation
from retraining.transforms.corruptions import hair, illumination_gradient, vignette

STILL = {"rotation": 0.0, "zoom": 0.0, "aspect": 0.0, "shift": 0.0, "flip": 0.0, "brightness": 0.0,
         "contrast": 0.0, "cast": 0.0, "saturation": 0.0, "gamma": 0.0}  # fmt: skip


def skin(count: int = 1, side: int = 64) -> NDArray[np.uint8]:
    """(count, side, side, 3): skin colour with a darker disc, a little noise on both."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    colours = np.where((np.hypot(x, y) < 0.4)[..., None], (120, 80, 70), (210, 170, 155))
    noise = np.random.default_rng(0).normal(0, 3, (count, side, side, 3))
    return (colours + noise).astype(np.uint8)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_every_corruption_changes_a_picture_within_its_size_and_repeatably(name: str) -> None:
    picture = skin()[0]
    before = picture.copy()
    different = 0
    for seed in range(20):
        numbers = np.random.default_rng(seed).random(corruptions.NUMBERS)
        changed = corruptions.apply(picture, ((name, numbers),))
        assert (changed.shape, changed.dtype) == (picture.shape, np.uint8)
        np.testing.assert_array_equal(changed, corruptions.apply(picture, ((name, numbers),)))
        different += bool((changed != picture).any())
    assert different >= 5  # so small a picture is hardly blurred
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
@pytest.mark.parametrize("number", [0.0, 1 - 1e-9])
def test_the_ends_of_the_ranges_are_pictures_too(name: str, number: float) -> None:
    changed = corruptions.apply(skin(side=33)[0], ((name, np.full(corruptions.NUMBERS, number)),))
    assert changed.shape == (33, 33, 3)


def test_each_corruption_occurs_as_often_as_asked() -> None:
    drawn = corruptions.draw(4000, 0.25, np.random.default_rng(0))
    for name in corruptions.CORRUPTIONS:
        share = np.mean([name in dict(one) for one in drawn])
        assert share == pytest.approx(0.25, abs=0.03)
    assert corruptions.draw(3, 0.0, np.random.default_rng(0)) == ((), (), ())


def test_the_other_changes_are_the_same_with_and_without_corruptions() -> None:
    batch = skin(6)
    without, with_corruptions = Augmentation(), Augmentation(corruptions=0.9)
    plain = without.draw(6, np.random.default_rng(1))
    drawn = with_corruptions.draw(6, np.random.default_rng(1))
    np.testing.assert_array_equal(plain.geometry, drawn.geometry)
    moved = with_corruptions.moved(batch, 48, drawn)
    np.testing.assert_array_equal(moved, without.moved(batch, 48, plain))
    kept = moved.copy()
    changed = with_corruptions.altered(moved, drawn)
    np.testing.assert_array_equal(moved, kept)
    assert (changed != without.altered(moved, plain)).any()
    np.testing.assert_array_equal(changed, with_corruptions.apply(batch, 48, drawn))
    share = slice(2, 5)
    np.testing.assert_array_equal(
        with_corruptions.apply(batch[share], 48, drawn, share), changed[share]
    )


def test_corruptions_are_more_than_mirrors() -> None:
    assert not Augmentation(**{**STILL, "corruptions": 0.1}).mirrors_only
    with pytest.raises(ValueError, match=r"corruptions must be 0 to 1, got 2"):
        Augmentation.read({"corruptions": 2})


def test_light_corners_and_hairs_do_what_they_say() -> None:
    grey = np.full((90, 120, 3), 100, np.uint8)
    lit = illumination_gradient(grey, 0.4, 0)
    assert (lit[0, 0, 0], lit[0, -1, 0], lit[45, 60, 0]) == (60, 140, pytest.approx(100, abs=1))
    above = illumination_gradient(grey, 0.4, 270)
    assert (above[0, 60, 0], above[-1, 60, 0]) == (140, 60)
    round_ = vignette(grey, 1.0, 0)
    assert (round_[0, 0] == 0).all()
    assert (round_[45, 60] == 100).all()
    assert (vignette(grey, 1.5, 0) == grey).all()
    soft = vignette(grey, 1.0, 0.5)[45, 60:, 0].astype(int)
    assert (np.diff(soft) <= 0).all()
    assert 0 < soft[-20] < 100
    few, many = (np.any(hair(grey, n) != grey, axis=2).mean() for n in (3, 30))
    assert 0 < few < many < 0.6
    assert hair(grey, 5, light=True).max() > 100 >= hair(grey, 5).max()
