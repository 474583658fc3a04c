"""The typology angle of drawn skin: known colours, a lesion, hair, a frame."""

import math
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from quality.arrays import RGBImage
from retraining.evaluation.scores import groups_of
from retraining.evaluation.skin_tone import skin_tone, tone_band, with_skin_tone

# L*, b* of a calibrated measurement, and the band that they are in.
KNOWN = [
    ((72.0, 14.0), "very light"),
    ((66.0, 16.0), "light"),
    ((60.0, 15.0), "intermediate"),
    ((56.0, 18.0), "tan"),
    ((45.0, 20.0), "brown"),
    ((30.0, 12.0), "dark"),
]


def skin(lightness: float, yellow: float, side: int = 96) -> RGBImage:
    lab = np.full((side, side, 3), (lightness, 8, yellow), np.float32)
    return np.asarray(np.round(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255), np.uint8)


@pytest.mark.parametrize(("colour", "band"), KNOWN)
def test_known_colours(colour: tuple[float, float], band: str) -> None:
    lightness, yellow = colour
    found = skin_tone(skin(*colour))
    assert found == pytest.approx(math.degrees(math.atan2(lightness - 50, yellow)), abs=1)
    assert tone_band(found) == band


@pytest.mark.parametrize(("colour", "band"), KNOWN)
def test_a_lesion_a_frame_and_hairs_are_no_skin(colour: tuple[float, float], band: str) -> None:
    picture = skin(*colour)
    expected = skin_tone(picture)
    lesion = np.zeros(picture.shape[:2], bool)
    lesion[30:66, 30:66] = True
    picture[lesion] = (70, 45, 40)
    picture[:, 10:12] = 12
    picture[:8] = 0
    assert skin_tone(picture, lesion) == pytest.approx(expected, abs=1)
    if colour[0] > 40:  # without a mask: where skin is the lighter side of the picture
        assert skin_tone(picture) == pytest.approx(expected, abs=3)


def test_what_shows_no_skin_has_no_figure() -> None:
    assert skin_tone(skin(70, -5)) is None  # blue, as no skin is
    assert skin_tone(np.full((50, 50, 3), 255, np.uint8)) is None
    assert skin_tone(skin(70, 12), np.ones((96, 96), bool)) is None


def test_a_column_beside_the_pictures(tmp_path: Path) -> None:
    for name, colour in {"pale": KNOWN[0][0], "brown": KNOWN[4][0]}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), skin(*colour)[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "mask.png"), np.zeros((96, 96), np.uint8))
    (tmp_path / "broken.png").write_text("no mask")
    masks = {"pale": ["mask", "broken", ""], "brown": [""]}
    rows = [(name, mask) for name, listed in masks.items() for mask in listed]
    frame = pd.DataFrame(
        {
            "path": [str(tmp_path / f"{name}.png") for name, _ in rows],
            "mask": [str(tmp_path / f"{mask}.png") if mask else "" for _, mask in rows],
        }
    )
    found = with_skin_tone(frame)
    assert [(group, len(at)) for _, group, at in groups_of(found)] == [
        ("very light", 3),
        ("brown", 1),
    ]
    assert with_skin_tone(found) is found
    assert with_skin_tone(found[["skin_tone"]]).equals(found[["skin_tone"]])
