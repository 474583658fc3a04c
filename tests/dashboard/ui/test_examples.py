"""The drawn example pictures do what their labels say."""

import numpy as np
import pytest

import quality
from Dashboard.ui.elements.examples import EXAMPLES, draw, example_file


@pytest.mark.parametrize(
    ("name", "failed"), [("sharp", ()), ("blurred", ("laplacian_variance",)), ("pale", ("gamma",))]
)
def test_each_fails_what_it_shows_and_nothing_else(name: str, failed: tuple[str, ...]) -> None:
    image = quality.decode(example_file(name))
    assert image.shape == (450, 600, 3)
    assert quality.check(image).failed == failed


def test_they_are_the_same_at_every_call() -> None:
    for example in EXAMPLES:
        assert np.array_equal(draw(example.name), draw(example.name))


def test_an_unknown_example_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="sharp, blurred, pale"):
        draw("other")
