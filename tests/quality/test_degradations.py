"""What spoils a picture: more of it, less of what the gate measures."""

import numpy as np
import pytest

import quality
from quality.degradations import blurred, faded

NOISE = np.random.default_rng(1).integers(0, 256, (45, 60, 3), np.uint8)


def test_more_blur_is_less_sharpness_and_none_is_the_picture() -> None:
    sharpness = [quality.laplacian_variance(blurred(NOISE, sigma)) for sigma in (0, 6, 12, 24)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert blurred(NOISE, 0) is NOISE


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_gamma_falls_with_the_contrast_that_is_left(share: float) -> None:
    expected = share * quality.gamma(NOISE)
    assert quality.gamma(faded(NOISE, share)) == pytest.approx(expected, abs=0.004)
