"""Views of a picture: its upright is the same for every turned and mirrored copy."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.inference.views import SYMMETRIES, VIEW_NAMES, Symmetry, set_upright, upright

RNG = np.random.default_rng(3)


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (height, width, 3)).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 9999))
def test_all_copies_have_one_upright(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    found = [set_upright(one.apply(image)) for one in SYMMETRIES]
    assert len({(one.shape, one.tobytes()) for one, _ in found}) == 1
    for (shown, how), symmetry in zip(found, SYMMETRIES, strict=True):
        assert (symmetry.undo(how.undo(shown)) == image).all()
    assert upright(found[0][0]) == Symmetry()  # it is upright already


@pytest.mark.parametrize("change", ["plain", "mirrored", "one row", "balanced"])
def test_ties(change: str) -> None:
    """Pictures whose centre of brightness is no help."""
    image = picture(12, 12)
    if change == "plain":
        image[:] = 90
    elif change == "mirrored":
        image[:, 6:] = image[:, 5::-1]
    elif change == "one row":
        image = image[:1]
    else:  # the same moments along and across, not the same picture
        image[:] = 0
        image[5, 9], image[9, 5], image[4, 6] = 200, 200, 7
        image[6, 4] = 7
    copies = {set_upright(one.apply(image))[0].tobytes() for one in SYMMETRIES}
    assert len(copies) == 1


def test_a_picture_and_its_squeezed_copy_agree() -> None:
    y, x = np.mgrid[0:1:450j, 0:1:600j]
    blob = 255 * np.exp(-(((x - 0.3) ** 2 + (y - 0.58) ** 2) * 9))
    image = np.repeat(blob[:, :, None], 3, axis=2).astype(np.uint8)
    small = np.asarray(cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA), np.uint8)
    for one in SYMMETRIES:
        assert upright(one.apply(image)) == upright(one.apply(small))


def test_names_say_what_they_do() -> None:
    square = np.arange(9).reshape(3, 3)
    views = dict(zip(VIEW_NAMES, (one.apply(square) for one in SYMMETRIES), strict=True))
    assert (views["turned a quarter to the right"] == np.rot90(square, -1)).all()
    assert (views["turned a quarter to the left"] == np.rot90(square)).all()
    assert (views["turned by half"] == np.rot90(square, 2)).all()
    assert (views["mirrored top to bottom"] == square[::-1]).all()
