"""Laplacian variance: OpenCV's value, exactly, and its behaviour."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

import quality
from quality.resolution import FAR, WORKING_SIZE, is_far, linear_factor, to_working_size
from tests.quality.makers import WIDENINGS, picture, save, save_16

Pixels = NDArray[np.uint8]

pictures = array_shapes(min_dims=2, max_dims=2, max_side=40).flatmap(
    lambda shape: arrays(np.uint8, (*shape, 3))
)


def by_opencv(image: Pixels) -> float:
    return float(cv2.Laplacian(image, cv2.CV_64F).var())


def textured(width: int, height: int, seed: int = 0) -> Pixels:
    """Detail at every scale, as photographs have."""
    rng = np.random.default_rng(seed)
    result = np.zeros((height, width, 3))
    for step in (1, 2, 4, 8, 16, 32):
        coarse = rng.normal(0, 10 + step, (height // step + 2, width // step + 2, 3))
        result += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(result / 2 + 128, 0, 255), dtype=np.uint8)


def test_hand_computed() -> None:
    image = np.zeros((3, 3, 3), dtype=np.uint8)
    image[1, 1] = 1
    # One pixel of 1: -4 there, and beside each edge the mirrored neighbour counts twice: +2.
    values = np.array([0, 2, 0, 2, -4, 2, 0, 2, 0])
    assert quality.laplacian_variance(image) == pytest.approx(values.var(), rel=1e-15)


@settings(deadline=None)
@given(pictures)
def test_equals_opencv(image: Pixels) -> None:
    assert quality.laplacian_variance(image) == pytest.approx(
        by_opencv(image), rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 300_000), (700, 900), (1, 1), (262_145, 1)])
def test_equals_opencv_in_every_band(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for image in (
        rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        rng.choice(np.array([0, 255], dtype=np.uint8), (*shape, 3)),
    ):
        assert quality.laplacian_variance(image) == pytest.approx(by_opencv(image), rel=1e-12)


def test_equals_opencv_on_photographs(originals: list[Pixels]) -> None:
    for image in originals:
        assert quality.laplacian_variance(image) == pytest.approx(by_opencv(image), rel=1e-12)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_constant_picture_has_none(value: int) -> None:
    assert quality.laplacian_variance(np.full((20, 30, 3), value, dtype=np.uint8)) == 0.0
    assert quality.laplacian_variance(np.full((1, 1, 3), value, dtype=np.uint8)) == 0.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_blur_lowers_it(seed: int) -> None:
    image = textured(120, 90, seed)
    blurred = [image, *(cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (0.7, 1.5, 3))]
    values = [quality.laplacian_variance(step) for step in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] > 100 * values[-1]


def test_blur_lowers_it_on_photographs(originals: list[Pixels]) -> None:
    for image in originals:
        blurred = [image, *(cv2.GaussianBlur(image, (0, 0), s) for s in (0.7, 1.5, 3, 6, 12))]
        values = [quality.laplacian_variance(step) for step in blurred]
        assert values == sorted(values, reverse=True)


def test_a_view_is_measured_like_its_copy() -> None:
    image = textured(64, 48)
    assert quality.laplacian_variance(image[::-1, ::2]) == quality.laplacian_variance(
        image[::-1, ::2].copy()
    )


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((4, 4), np.uint8), ValueError, r"shape \(4, 4\); \(H, W, 3\)"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "at least one pixel"),
        (np.zeros((4, 4, 3), np.float64), TypeError, "type float64; a uint8 array"),
        ([[1, 2, 3]], TypeError, "type list"),
    ],
)
def test_other_arrays_are_refused(image: object, error: type[Exception], words: str) -> None:
    for measure in (quality.laplacian_variance, quality.gamma, quality.brightness, quality.check):
        with pytest.raises(error, match=words):
            measure(image)


def test_normalised_is_the_own_value_at_the_working_size() -> None:
    for width, height in (WORKING_SIZE, WORKING_SIZE[::-1], (300, 225), (900, 300)):
        image = textured(width, height)
        assert quality.laplacian_variance_normalised(image) == quality.laplacian_variance(image)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1200, 900, (600, 450)),
        (900, 1200, (450, 600)),
        (4000, 3000, (600, 450)),
        (4096, 1024, (1039, 260)),
        (601, 450, (600, 450)),
        (600, 450, (600, 450)),
        (224, 224, (224, 224)),
        (300_000, 1, (284_605, 1)),
    ],
)
def test_working_size_keeps_the_aspect(width: int, height: int, expected: tuple[int, int]) -> None:
    scaled = to_working_size(np.zeros((height, width, 3), dtype=np.uint8))
    assert scaled.shape == (expected[1], expected[0], 3)


@pytest.mark.parametrize("factor", [1.02, 1.3, 2, 3.7, 6.72])
def test_normalised_does_not_depend_on_the_resolution(
    originals: list[Pixels], factor: float
) -> None:
    size = (round(600 * factor), round(450 * factor))
    for image in originals[:2]:
        large = np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
        own = quality.laplacian_variance(image)
        assert 0.7 < quality.laplacian_variance_normalised(large) / own < 0.95
        if factor > FAR:
            assert quality.laplacian_variance(large) < 0.5 * own


def test_far_from_the_working_size() -> None:
    assert linear_factor(1200, 900) == 2
    for near in (WORKING_SIZE, (450, 600), (640, 480), (700, 525), (512, 384), (750, 562)):
        assert not is_far(*near)
    for far in ((224, 224), (4000, 3000), (800, 600), (450, 338)):
        assert is_far(*far)


def test_formats_of_one_picture_measure_the_same() -> None:
    grey = np.asarray(Image.fromarray(picture(120, 90)).convert("L"))
    rgb = np.dstack([grey] * 3)
    opaque = np.full(grey.shape, 255, dtype=np.uint8)
    files = [
        save(rgb, "PNG"),
        save(np.dstack([rgb, opaque]), "PNG"),
        save(grey, "PNG"),
        save(Image.fromarray(grey).convert("P"), "PNG"),
        *(save_16(widen(rgb), ".png") for widen in WIDENINGS.values()),
        *(save_16(widen(grey), ".tiff") for widen in WIDENINGS.values()),
    ]
    first, *others = (quality.check(quality.decode(data)) for data in files)
    for report in others:
        assert report == first
