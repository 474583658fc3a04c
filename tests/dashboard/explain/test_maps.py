"""Maps for the browser, on the scale and in the colours of the house's drawings, and as files."""

import base64
import io

import cv2
import numpy as np
import pytest

from Dashboard.explain.maps import (
    LEVELS,
    OPACITY,
    array_file,
    colour_table,
    drawn_map,
    encode_map,
)
from interpretability.rendering import overlay
from tests.dashboard.assess.test_activation import decoded


def speckled(signed: bool) -> np.ndarray:
    """As methods give it that go by pixels: weak everywhere, one in 10,000 very strong."""
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (300, 400))
    values[rng.random((300, 400)) < 1e-4] = 60
    return (values if signed else np.abs(values)).astype(np.float32)


def as_the_browser(encoded: dict, ground: np.ndarray, signed: bool) -> np.ndarray:
    """What `assets/cases/viewer.mjs` shows of a map."""
    table = np.frombuffer(base64.b64decode(colour_table(signed)), np.uint8).reshape(-1, 4)
    levels = np.frombuffer(base64.b64decode(encoded["values"]), np.int8).astype(int)
    colours = table[levels.reshape(ground.shape[:2]) + LEVELS].astype(float)
    alpha = OPACITY * colours[..., 3:] / 255
    return ground * (1 - alpha) + colours[..., :3] * alpha


@pytest.mark.parametrize("signed", [True, False])
def test_page_and_picture_look_the_same(signed: bool) -> None:
    values, ground = speckled(signed), np.full((300, 400, 3), 190, np.uint8)
    limit = overlay.scale_of(values)
    shown = as_the_browser(encode_map(values, limit), ground, signed)
    drawn = overlay.heatmap(ground, values, OPACITY, limit, signed).astype(float)
    # A level is a 127th of the scale, whose square root is the opacity.
    assert np.abs(shown - drawn).mean() < 1
    assert np.abs(shown - drawn).max() < 12
    by_the_largest = as_the_browser(encode_map(values), ground, signed)
    assert np.abs(shown - ground).mean() > 2.5 * np.abs(by_the_largest - ground).mean()


def test_what_is_larger_than_the_scale_is_cut() -> None:
    values = np.array([[-9.0, -1.0, 0.5, 1.0, np.nan, 9.0]], np.float32)
    encoded = encode_map(values, 1.0)
    assert encoded["limit"] == 1
    np.testing.assert_allclose(decoded(encoded)[0, 0], [-1, -1, 0.5, 1, 0, 1], atol=0.5 / 127)


def pixels(address: str) -> np.ndarray:
    """Of a data URL, RGBA."""
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA)


def test_a_map_in_its_colours() -> None:
    values = np.array([[-1, 0, 1]], np.float32)
    drawn = drawn_map(values, 1.0, signed=True)
    table = np.frombuffer(base64.b64decode(colour_table(True)), np.uint8).reshape(-1, 4)
    np.testing.assert_array_equal(pixels(drawn["heat"])[0], table[[0, LEVELS, -1]])
    assert encode_map(values, 1.0).items() <= drawn.items()
    assert drawn["signed"] is True


def test_outlines_stand_where_half_of_the_scale_is_passed_in_its_colour() -> None:
    values = np.array([[0, 100, 127], [0, 0, -90]], np.float32)
    outlines = pixels(drawn_map(values, 127.0, signed=True)["outlines"])
    assert outlines[..., 3].tolist() == [[255, 255, 255], [0, 255, 0]]
    table = np.frombuffer(base64.b64decode(colour_table(True)), np.uint8).reshape(-1, 4)
    for place, end in (((0, 0), -1), ((0, 1), -1), ((0, 2), -1), ((1, 1), 0)):
        np.testing.assert_array_equal(outlines[place][:3], table[end][:3])


def test_maps_without_a_sign_run_from_yellow_to_violet() -> None:
    table = np.frombuffer(base64.b64decode(colour_table(False)), np.uint8).reshape(255, 4)
    red, green, blue, alpha = table[-1].astype(int)
    assert alpha == 255
    assert blue > red > green
    assert table[LEVELS, 3] == 0


@pytest.mark.parametrize(
    ("shape", "size"),
    [((3, 4), (3, 4)), ((70, 90), (700, 1234)), ((1, 1), (5, 3)), ((2, 9), (600, 9))],
)
def test_an_array_has_the_pictures_size(shape: tuple[int, int], size: tuple[int, int]) -> None:
    values = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    length, pieces = array_file(values, *size)
    data = b"".join(pieces)
    assert len(data) == length
    array = np.load(io.BytesIO(data))
    assert (array.shape, array.dtype) == (size, np.float32)
    expected = cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(array, expected, atol=1e-3)
    if shape == size:
        np.testing.assert_array_equal(array, values)


def test_a_large_array_is_made_in_pieces() -> None:
    length, pieces = array_file(np.ones((1732, 2309), np.float32), 6000, 8000)
    next(pieces)
    largest = max(len(piece) for piece in pieces)
    assert length > 192_000_000
    assert largest < 10_000_000
