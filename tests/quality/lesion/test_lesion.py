"""Outline, colour and registration where the answer is known, as the lesion was drawn."""

import json

import cv2
import numpy as np
import pytest

from quality.lesion import (
    Measurement,
    NotRegistered,
    Registration,
    change,
    colour_apart,
    find_outline,
    measure,
    register,
    warp,
)
from tests.quality.lesion.drawn import HEIGHT, WIDTH, View, drawn

TURNED = View(-30, 1.15, (10, 20), (0.85, 0.8, 0.9))


@pytest.fixture(scope="module")
def first() -> tuple[np.ndarray, Measurement]:
    image = drawn()
    return image, measure(image)


def test_a_drawn_lesion_is_measured(first: tuple[np.ndarray, Measurement]) -> None:
    _, found = first
    assert found.reason == ""
    assert found.area == pytest.approx(0.12, rel=0.1)
    corners = np.array(found.outline) * (WIDTH, HEIGHT)
    assert cv2.contourArea(corners.astype(np.float32)) == pytest.approx(
        found.area * WIDTH * HEIGHT, rel=0.05
    )
    assert found.colour is not None
    assert found.skin is not None
    assert (found.colour[0], found.skin[0]) == (pytest.approx(40, abs=4), pytest.approx(73, abs=3))
    again = Measurement.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found


@pytest.mark.parametrize(
    ("area", "view", "grown"),
    [
        (0.144, TURNED, 0.2),
        (0.12, View(25, 0.8, (-20, 10), (0.8, 0.85, 1)), 0.0),
        (0.096, View(5, 1.1), -0.2),
    ],
)
def test_a_change_of_area_is_measured_to_three_hundredths(
    first: tuple[np.ndarray, Measurement], area: float, view: View, grown: float
) -> None:
    image, before = first
    later = drawn(area, view)
    after = measure(later)
    found = register(image, later, (before.outline, after.outline))
    assert found.by == "skin"
    assert found.scale == pytest.approx(view.scale, abs=0.005)
    assert found.degrees == pytest.approx(view.degrees, abs=0.5)
    changed = change(before, after, (WIDTH * HEIGHT,) * 2, found)
    assert changed.area == pytest.approx(grown, abs=0.03)
    assert changed.colour is not None
    assert changed.colour < 2


def test_one_picture_is_laid_onto_the_other_at_any_two_sizes(
    first: tuple[np.ndarray, Measurement],
) -> None:
    image, before = first
    large = cv2.resize(drawn(view=TURNED), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = register(image, large, (before.outline, measure(large).outline))
    assert found.scale == pytest.approx(2 * TURNED.scale, abs=0.01)
    again = Registration.from_dict(json.loads(json.dumps(found.to_dict())))
    laid = warp(image, again, (2 * WIDTH, 2 * HEIGHT))
    middle = np.s_[HEIGHT // 2 : -HEIGHT // 2, WIDTH // 2 : -WIDTH // 2]
    one, other = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[middle].ravel() for x in (laid, large))
    assert np.corrcoef(one, other)[0, 1] > 0.97


def test_without_outlines_all_points_decide(first: tuple[np.ndarray, Measurement]) -> None:
    assert register(first[0], drawn(view=TURNED)).by == "all"


@pytest.mark.parametrize("other", [drawn(seed=5), np.full((90, 120, 3), 180, np.uint8)])
def test_another_lesion_is_refused(
    first: tuple[np.ndarray, Measurement], other: np.ndarray
) -> None:
    with pytest.raises(NotRegistered, match="too little in common"):
        register(first[0], other)


def test_colour_is_judged_in_one_light(first: tuple[np.ndarray, Measurement]) -> None:
    _, before = first
    lit, darker = measure(drawn(view=View(light=(0.8, 0.85, 1)))), measure(drawn())
    found = colour_apart(before, lit)
    assert found is not None
    assert found < 2
    assert before.colour is not None
    light, red, yellow = before.colour
    worse = Measurement(colour=(light - 10, red, yellow), skin=darker.skin)
    found = colour_apart(before, worse)
    assert found is not None
    assert 7 < found < 10
    assert colour_apart(before, Measurement(reason="none")) is None


def beyond() -> np.ndarray:
    skin = np.full((225, 300, 3), (214, 172, 152), np.uint8)
    return cv2.ellipse(skin, (150, 225), (110, 150), 0, 0, 360, (110, 70, 60), -1)


def fading() -> np.ndarray:
    y, x = np.mgrid[-1:1:225j, -1:1:300j]
    shade = np.clip(1 - np.hypot(x, y), 0, 1)[..., None]
    return (np.array((214, 172, 152)) - 150 * shade**5).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((90, 120, 3), 180, np.uint8), "Nothing stands out"),
        (np.zeros((40, 30, 3), np.uint8), "too dark"),
        (np.full((1, 1, 3), 9, np.uint8), "too dark"),
        (np.full((1, 900, 3), 180, np.uint8), "Nothing stands out"),
        (beyond(), "reaches beyond the picture"),
        (fading(), "edge is not clear"),
    ],
)
def test_no_outline_that_is_not_to_be_trusted(image: np.ndarray, reason: str) -> None:
    found = measure(image)
    assert reason in found.reason
    assert (found.outline, found.area, found.colour) == ((), None, None)


def test_dark_corners_are_no_lesion() -> None:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    round_field = drawn() * (np.hypot(x, y * 0.8) < 1.0)[..., None].astype(np.uint8)
    assert find_outline(round_field).mask.mean() == pytest.approx(0.12, rel=0.1)
