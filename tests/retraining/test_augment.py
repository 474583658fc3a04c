import numpy as np
import pytest

from models.preprocessing import Preprocessing
from retraining.augment import Augmentation

STILL = Augmentation(*[0.0] * 10)


def picture() -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return np.stack([x * 4, y * 4, (x + y) * 2], axis=-1).astype(np.uint8)


def test_no_strength_changes_nothing() -> None:
    out = STILL(picture()[None], 64, np.random.default_rng(0))
    np.testing.assert_array_equal(out[0], picture())


def test_the_size_is_the_wanted_one_and_the_middle_stays() -> None:
    out = STILL(picture()[None], 48, np.random.default_rng(0))[0].astype(int)
    small = Preprocessing(48, (0, 0, 0), (1, 1, 1)).resize(picture()).astype(int)
    assert out.shape == (48, 48, 3)
    assert abs(out - small)[4:-4, 4:-4].max() <= 6


def test_equal_seeds_give_equal_pictures() -> None:
    batch = np.stack([picture()] * 3)
    a = Augmentation()(batch, 40, np.random.default_rng(5))
    b = Augmentation()(batch, 40, np.random.default_rng(5))
    np.testing.assert_array_equal(a, b)
    assert (a[0] != a[1]).any()


def test_a_mirror_is_exact() -> None:
    always = Augmentation(**{**STILL.__dict__, "flip": 1.0})
    out = always(picture()[None], 64, np.random.default_rng(0))[0]
    np.testing.assert_array_equal(out, picture()[::-1, ::-1])


@pytest.mark.parametrize("name", ["brightness", "contrast", "cast", "saturation", "gamma"])
def test_colour_changes_keep_the_geometry(name: str) -> None:
    one = Augmentation(**{**STILL.__dict__, name: 0.2})
    out = one(picture()[None], 64, np.random.default_rng(1))[0]
    assert (out != picture()).any()
    # Rows of a constant green value stay constant in green.
    assert (np.ptp(out[..., 1].astype(int), axis=1) <= (40 if name == "saturation" else 1)).all()
