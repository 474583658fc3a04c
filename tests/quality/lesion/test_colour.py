"""Colour differences and light, against scikit-image's, which the product does not load."""

from itertools import pairwise

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, lab2xyz, xyz2lab

from quality.lesion.colour import ciede2000, in_light

RANDOM = np.random.default_rng(0).uniform((0, -60, -60), (100, 60, 60), (200, 3))
# Hues on both sides of 0, greys, and Sharma's pairs where implementations part.
HARD = [
    (50, 2.49, -0.001),
    (50, -2.49, 0.0009),
    (50, 0, 0),
    (50, -1, 2),
    (50, 2.5, 0),
    (61, 29, -4),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_differences_are_those_of_scikit_image() -> None:
    colours = [tuple(map(float, one)) for one in [*RANDOM, *HARD]]
    pairs = [*pairwise(colours), *((a, b) for a in HARD for b in HARD)]
    found = [ciede2000(one, other) for one, other in pairs]  # type: ignore[arg-type]
    expected = [deltaE_ciede2000(np.array(a, float), np.array(b, float)) for a, b in pairs]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_light_is_that_of_scikit_image() -> None:
    white, other = np.array((70.0, 12, 15)), np.array((60.0, 5, 20))
    colours = RANDOM[RANDOM[:, 0] > 40] * (1, 0.4, 0.4)
    for colour in colours:
        expected = xyz2lab(lab2xyz(colour) * lab2xyz(other) / lab2xyz(white))
        found = in_light(tuple(colour), tuple(white), tuple(other))
        np.testing.assert_allclose(found, expected, atol=1e-3)
