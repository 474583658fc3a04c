import numpy as np
import pytest

from models.registry.preprocessing import Preprocessing
from retraining.transforms import rand_augment as policies
from retraining.transforms.augmentation import Augmentation

STILL = Augmentation(
    rotation=0, zoom=0, aspect=0, shift=0, flip=0, brightness=0, contrast=0, cast=0, saturation=0,
    gamma=0,
)  # fmt: skip


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


@pytest.mark.parametrize("policy", ["randaugment", "trivialaugment"])
def test_a_policy_changes_pictures_by_chance_and_repeatably(policy: str) -> None:
    one = Augmentation(**{**STILL.__dict__, "policy": policy, "policy_strength": 0.8})
    batch = np.stack([picture()] * 8)
    changed = one(batch, 64, np.random.default_rng(2))
    np.testing.assert_array_equal(changed, one(batch, 64, np.random.default_rng(2)))
    assert len({row.tobytes() for row in changed}) >= 4


@pytest.mark.parametrize("name", policies.OPERATIONS)
def test_an_operation_of_no_strength_is_none(name: str) -> None:
    changed = policies.apply(picture(), ((name, 0.0),))
    assert changed.shape == picture().shape
    assert changed.dtype == np.uint8
    if name not in ("auto_contrast", "equalise"):
        np.testing.assert_array_equal(changed, picture())


def test_a_share_of_a_batch_is_what_it_would_have_been() -> None:
    one = Augmentation(hue=0.1, policy="randaugment")
    batch = np.stack([picture()] * 6)
    drawn = one.draw(6, np.random.default_rng(3))
    whole = one.apply(batch, 48, drawn)
    share = slice(2, 4)
    np.testing.assert_array_equal(one.apply(batch[share], 48, drawn, share), whole[share])


def test_four_views_where_mirrors_are_the_only_change() -> None:
    mirrors = Augmentation(**{**STILL.__dict__, "flip": 0.5})
    assert mirrors.mirrors_only
    assert mirrors.source_size(64) == 64
    assert not Augmentation(**{**STILL.__dict__, "hue": 0.1}).mirrors_only
    assert Augmentation().source_size(100) == 115
    views = mirrors(np.stack([picture()] * 64), 64, np.random.default_rng(0))
    assert len({view.tobytes() for view in views}) == 4


def test_a_turned_hue_keeps_grey_and_luminance() -> None:
    grey = np.full((1, 8, 8, 3), 128, np.uint8)
    turned = Augmentation(**{**STILL.__dict__, "hue": 0.5})
    assert abs(turned(grey, 8, np.random.default_rng(0)).astype(int) - 128).max() <= 1
    skin = np.full((1, 8, 8, 3), (150, 120, 110), np.uint8)
    changed = turned(skin, 8, np.random.default_rng(0))
    luminance = np.array([0.299, 0.587, 0.114])
    assert abs(changed[0, 0, 0] @ luminance - skin[0, 0, 0] @ luminance) < 2
    assert (changed != skin).any()


def test_colours_change_as_the_formulas_say() -> None:
    one = Augmentation(
        **{**STILL.__dict__, "brightness": 0.2, "contrast": 0.25, "cast": 0.1,
           "saturation": 0.3, "gamma": 0.25},
    )  # fmt: skip
    noise = np.random.default_rng(4).integers(0, 256, (5, 32, 32, 3), np.uint8)
    drawn = one.draw(5, np.random.default_rng(2))
    values = (noise / 255) ** np.exp(drawn.colour["gamma"])
    grey = values.mean(axis=3, keepdims=True)
    values = grey + (values - grey) * drawn.colour["saturation"]
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    values = mean + (values - mean) * drawn.colour["contrast"]
    values = values * drawn.colour["brightness"] * drawn.colour["cast"]
    expected = np.clip(values * 255, 0, 255)
    assert abs(one.apply(noise, 32, drawn) - expected).max() < 0.52  # rounded once


@pytest.mark.parametrize("name", ["brightness", "contrast", "cast", "saturation", "gamma"])
def test_colour_changes_keep_the_geometry(name: str) -> None:
    one = Augmentation(**{**STILL.__dict__, name: 0.2})
    out = one(picture()[None], 64, np.random.default_rng(1))[0]
    assert (out != picture()).any()
    # Rows of a constant green value stay constant in green.
    assert (np.ptp(out[..., 1].astype(int), axis=1) <= (40 if name == "saturation" else 1)).all()
