"""Class activation maps: kept small, back in place, in the colours of the house's overlay."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from Dashboard.assess.activation import in_place, packed, unpacked
from Dashboard.explain.maps import colour_table, encode_map
from interpretability.rendering import overlay
from models.inference.views import Symmetry
from models.registry.taxonomy import HAM10000
from tests.dashboard.conftest import RulePredictor, activation, card, picture


def decoded(encoded: dict) -> np.ndarray:
    levels = np.frombuffer(base64.b64decode(encoded["values"]), np.int8)
    shape = (-1, encoded["height"], encoded["width"])
    return levels.reshape(shape) * (encoded["limit"] / 127)


def test_a_map_comes_back_within_half_a_level() -> None:
    values = np.random.default_rng(0).normal(0, 3, (7, 5, 6)).astype(np.float32)
    encoded = encode_map(values)
    assert encoded["limit"] == pytest.approx(np.abs(values).max())
    assert np.abs(decoded(encoded) - values).max() <= encoded["limit"] / 254 + 1e-6
    assert encoded["values"].isascii()


@pytest.mark.parametrize(("shape", "size"), [((3, 4), (4, 3)), ((1200, 300), (120, 480))])
def test_large_maps_are_averaged_down(shape: tuple[int, int], size: tuple[int, int]) -> None:
    encoded = encode_map(np.full(shape, -2.0, np.float32))
    assert (encoded["width"], encoded["height"]) == size
    assert decoded(encoded) == pytest.approx(-2.0)


def test_a_map_of_nothing() -> None:
    encoded = encode_map(np.zeros((2, 2), np.float32))
    assert encoded["limit"] == 0
    assert (decoded(encoded) == 0).all()


@pytest.mark.parametrize("opacity", [1.0, 0.4])
def test_the_colours_are_those_of_the_overlay(opacity: float) -> None:
    table = np.frombuffer(base64.b64decode(colour_table(True)), np.uint8).reshape(255, 4)
    values = np.arange(-127, 128, dtype=np.float32)[np.newaxis] / 127
    ground = np.random.default_rng(1).integers(0, 256, (1, 255, 3), np.uint8)
    alpha = opacity * table[:, 3:] / 255
    blended = ground[0] * (1 - alpha) + table[:, :3] * alpha  # as a browser lays one over another
    drawn = overlay.heatmap(ground, values, opacity=opacity, limit=1.0)[0]
    assert np.abs(blended - drawn.astype(float)).max() <= 3


def test_kept_maps_come_back_within_half_a_level() -> None:
    predictor = RulePredictor("plain", card("plain"))
    (prediction,) = predictor.predict([picture("malignant")], maps=True)
    kept = packed(prediction)
    assert kept is not None
    assert len(json.dumps(kept)) < 500
    for maps, code in zip(activation(), HAM10000.codes, strict=True):
        assert np.abs(unpacked(kept, code) - maps).max() <= kept["limit"] / 254 + 1e-6
    (without,) = predictor.predict([picture("malignant")])
    assert packed(without) is None


def test_a_map_lies_over_the_picture_as_it_came() -> None:
    (prediction,) = RulePredictor("plain", card("plain")).predict([picture("benign")], maps=True)
    turn = Symmetry(transposed=True, top_bottom=True)
    kept = packed(replace(prediction, upright=turn))
    assert kept is not None
    assert unpacked(kept, "vasc") == pytest.approx(turn.undo(activation()[6]), abs=0.03)


@pytest.mark.parametrize(
    ("backbone", "centre"), [("resnext50_32x4d", 32.0), ("efficientnet_lite0", 47.5)]
)
def test_a_cell_is_drawn_around_its_centre(backbone: str, centre: float) -> None:
    grid = np.zeros((1, 4, 4), np.float32)
    grid[0, 1, 1] = 1
    drawn = in_place(grid, backbone)[0]
    middles = np.arange(16) * 8 + 3.5  # of the drawn values, in pixels of an input of 128
    assert drawn.sum(axis=0) @ middles / drawn.sum() == pytest.approx(centre, abs=0.5)


def test_the_mean_of_several_networks_is_stretched() -> None:
    grid = np.ones((7, 5, 5), np.float32)
    assert in_place(grid, "ensemble") is grid
