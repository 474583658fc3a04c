"""Brightness: the mean of HSV's value channel."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

import quality

Pixels = NDArray[np.uint8]


def by_opencv(image: Pixels) -> float:
    return float(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 2].mean())


@settings(deadline=None)
@given(
    array_shapes(min_dims=2, max_dims=2, max_side=40).flatmap(
        lambda shape: arrays(np.uint8, (*shape, 3))
    )
)
def test_is_the_value_channel(image: Pixels) -> None:
    assert quality.brightness(image) == pytest.approx(by_opencv(image), rel=1e-12)


def test_is_the_value_channel_of_photographs(originals: list[Pixels]) -> None:
    for image in originals:
        assert quality.brightness(image) == pytest.approx(by_opencv(image), rel=1e-12)


def test_hand_computed() -> None:
    image = np.array([[[10, 20, 30], [200, 100, 0]]], dtype=np.uint8)
    assert quality.brightness(image) == (30 + 200) / 2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_picture(value: int) -> None:
    assert quality.brightness(np.full((7, 9, 3), value, dtype=np.uint8)) == value
