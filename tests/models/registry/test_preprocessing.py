"""From a picture of any shape to a network's input."""

import numpy as np
import pytest

from models.registry.preprocessing import Preprocessing

HALF = Preprocessing(4, (0.5, 0.5, 0.5), (0.25, 0.5, 1.0))


def test_shrinking_averages() -> None:
    """Each output pixel is the mean of its 2 x 3 block: no pixel is skipped, no crop."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    got = HALF.resize(image)
    expected = image.reshape(4, 2, 4, 3, 3).mean(axis=(1, 3))
    assert (got.shape, got.dtype) == ((4, 4, 3), np.uint8)
    assert np.abs(got - expected).max() <= 0.5 + 1e-6


def test_the_whole_picture_is_stretched() -> None:
    """A wide picture keeps its left and right ends."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :20], image[:, -20:] = (255, 0, 0), (0, 0, 255)
    got = HALF.resize(image)
    assert got[:, 0].tolist() == [[255, 0, 0]] * 4
    assert got[:, -1].tolist() == [[0, 0, 255]] * 4
    assert got[:, 1:3].max() == 0


def test_the_right_size_is_left_alone() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert HALF.resize(image) is image


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 900), (900, 1), (4, 9), (3000, 2)])
def test_a_constant_picture_of_any_shape_stays_constant(shape: tuple[int, int]) -> None:
    got = HALF.resize(np.full((*shape, 3), (10, 200, 77), np.uint8))
    assert got.shape == (4, 4, 3)
    assert (got == np.array([10, 200, 77])).all()


def test_normalising_by_hand() -> None:
    batch = np.zeros((2, 4, 4, 3), np.uint8)
    batch[1] = (255, 51, 0)
    got = HALF.normalise(batch)
    assert (got.shape, got.dtype) == ((2, 3, 4, 4), np.float32)
    assert got.flags.c_contiguous
    np.testing.assert_allclose(got[0, :, 0, 0], [-2, -1, -0.5])
    np.testing.assert_allclose(got[1, :, 3, 2], [2, -0.6, -0.5], rtol=1e-6)


def test_round_trip() -> None:
    assert Preprocessing.from_dict(HALF.to_dict()) == HALF


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, (0, 0, 0), (1, 1, 1)), "input_size must be at least 1 pixel, got 0"),
        ((4, (0, 0, 0), (1, 0, 1)), "std above 0"),
        ((4, (0, 0), (1, 1)), "three values"),
        ((4, (0, 0, 0), (1, 1, 1), "cubic"), "interpolation 'cubic' is not one of area"),
    ],
)
def test_what_cannot_be(values: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preprocessing(*values)  # type: ignore[arg-type]
