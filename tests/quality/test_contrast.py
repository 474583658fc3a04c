"""Gamma: the point where scikit-image changes its mind, in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from skimage.exposure import is_low_contrast

import quality

Pixels = NDArray[np.uint8]

# Exact where the linear algebra library rounds all pixels alike, which those at hand do. The
# allowance is for others: units in the last place of a luminance near 1.
ALLOWANCE = 4 * 2.0**-53


def assert_turning_point(image: Pixels) -> None:
    """False at gamma and True just above it."""
    gamma = quality.gamma(image)
    assert not is_low_contrast(image, fraction_threshold=gamma - ALLOWANCE)
    assert is_low_contrast(image, fraction_threshold=gamma + ALLOWANCE)


def few_colours(shape: tuple[int, int], number: int, seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    return rng.choice(rng.integers(0, 256, (number, 3), dtype=np.uint8), shape)


@settings(deadline=None)
@given(
    array_shapes(min_dims=2, max_dims=2, max_side=40).flatmap(
        lambda shape: arrays(np.uint8, (*shape, 3))
    )
)
def test_turning_point(image: Pixels) -> None:
    assert_turning_point(image)


@settings(deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    lowest=st.integers(0, 255),
    spread=st.integers(1, 256),
    seed=st.integers(0, 2**32 - 1),
)
def test_turning_point_of_noise(
    height: int, width: int, lowest: int, spread: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    highest = min(lowest + spread, 256)
    assert_turning_point(rng.integers(lowest, highest, (height, width, 3), dtype=np.uint8))


@settings(deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    number=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_turning_point_of_few_colours(height: int, width: int, number: int, seed: int) -> None:
    assert_turning_point(few_colours((height, width), number, seed))


@pytest.mark.parametrize("shape", [(900, 700), (1, 600_000), (600_000, 1), (600_001, 1)])
def test_turning_point_over_several_bands(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    assert_turning_point(rng.integers(40, 200, (*shape, 3), dtype=np.uint8))
    assert_turning_point(few_colours(shape, 5, 1))


def test_turning_point_on_photographs(originals: list[Pixels]) -> None:
    for image in originals:
        assert_turning_point(image)
        assert_turning_point((image // 5 + 150).astype(np.uint8))


def test_hand_computed() -> None:
    image = np.zeros((1, 101, 3), dtype=np.uint8)
    image[0, :, 1] = np.arange(101)
    # 101 values: the percentiles 1 and 99 are the values 1 and 99 themselves.
    assert quality.gamma(image) == pytest.approx(0.7154 * 98 / 255 / 2, rel=1e-14)


def test_interpolates_between_two_pixels() -> None:
    image = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    assert quality.gamma(image) == pytest.approx(0.98 / 2, rel=1e-14)


def test_range_ends_at_half() -> None:
    image = np.zeros((10, 10, 3), dtype=np.uint8)
    image[5:] = 255
    assert quality.gamma(image) == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (13, 99, 201)])
def test_constant_picture_has_none(colour: tuple[int, int, int]) -> None:
    for shape in ((30, 20), (1, 1), (800, 800)):
        assert quality.gamma(np.full((*shape, 3), colour, dtype=np.uint8)) == 0.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_compression_lowers_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    values = [
        quality.gamma(np.round(128 + (image - 128.0) * factor).astype(np.uint8))
        for factor in (1, 0.7, 0.4, 0.2, 0.05)
    ]
    assert values == sorted(values, reverse=True)
    assert values[1] == pytest.approx(0.7 * values[0], abs=1 / 255)


def test_order_of_pixels_does_not_matter() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert quality.gamma(image) == quality.gamma(np.ascontiguousarray(image.transpose(1, 0, 2)))
