"""Pictures of maps, and the scales they are coloured with."""

import cv2
import numpy as np
import pytest

from interpretability.rendering import colours, overlay
from interpretability.rendering.overlay import contours, heatmap, legend, png, side_by_side

GREY = np.full((60, 90, 3), 128, np.uint8)


def blobs() -> np.ndarray:
    """Speaks for the class at the left, against it at the right."""
    y, x = np.mgrid[0:60, 0:90]
    left = np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 60)
    right = np.exp(-((x - 70) ** 2 + (y - 30) ** 2) / 60)
    return (left - right).astype(np.float32)


def test_signs_have_their_colours() -> None:
    drawn = heatmap(GREY, blobs(), opacity=1).astype(int)
    assert drawn[30, 20, 0] > drawn[30, 20, 2] + 60  # red for
    assert drawn[30, 70, 2] > drawn[30, 70, 0] + 60  # blue against
    np.testing.assert_allclose(drawn[5, 45], 128, atol=4)  # nothing stays the picture


def test_opacity_and_limit() -> None:
    np.testing.assert_array_equal(heatmap(GREY, blobs(), opacity=0), GREY)
    weak = heatmap(GREY, blobs(), limit=100.0).astype(int)
    strong = heatmap(GREY, blobs(), limit=1.0).astype(int)
    assert np.abs(weak - 128).max() < 20 < np.abs(strong - 128).max()
    np.testing.assert_array_equal(heatmap(GREY, np.zeros((60, 90), np.float32)), GREY)
    np.testing.assert_array_equal(heatmap(GREY, np.full((60, 90), np.nan, np.float32)), GREY)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opacity": 1.5}, "opacity must be from 0 to 1"),
        ({"limit": 0.0}, "limit must be above 0"),
        ({"map": np.zeros((9, 9), np.float32)}, "not of the picture"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    given = {"image": GREY, "map": blobs()} | arguments
    with pytest.raises(ValueError, match=message):
        heatmap(**given)  # type: ignore[arg-type]


def test_a_region_of_one_value_is_outlined_though_it_is_larger_than_the_area() -> None:
    map = np.zeros((60, 90), np.float32)
    map[:, 45:] = 0.5
    changed = (contours(GREY, map, area=0.1) != GREY).any(axis=2)
    assert changed[:, 45:].any()
    assert not changed[:, :30].any()


@pytest.mark.parametrize("palette", colours.OUTLINES)
def test_contours_surround_their_regions(palette: str) -> None:
    drawn = contours(GREY, blobs(), palette=palette)
    kinds = [np.argwhere((drawn == colour).all(axis=-1)) for colour in colours.OUTLINES[palette]]
    for found, column in zip(kinds, (20, 70), strict=True):
        assert len(found)
        centre = (found.min(axis=0) + found.max(axis=0)) / 2
        np.testing.assert_allclose(centre, (30, column), atol=1.5)
    np.testing.assert_array_equal(drawn[30, 20], (128, 128, 128))  # lines, no filling


def test_nothing_is_outlined_where_nothing_is_said() -> None:
    np.testing.assert_array_equal(contours(GREY, np.zeros((60, 90), np.float32)), GREY)
    with pytest.raises(ValueError, match="palettes are safe, classic"):
        contours(GREY, blobs(), palette="rainbow")


def lightness(table: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(table[np.newaxis] / 255)[0, :, 0])


def test_scales_are_even_in_lightness() -> None:
    """Each half falls in a straight line from its light end: equal steps look equal."""
    half = colours.diverging()[255:]
    for table in (half, colours.diverging()[255::-1], colours.sequential()):
        found = lightness(table)
        line = np.linspace(found[0], found[-1], len(found))
        assert found[0] > 90 > 45 > found[-1]
        assert np.abs(found - line).max() < 2


def test_the_ends_differ_for_a_colour_blind_reader() -> None:
    """Deuteranopia as of Vienot, Brettel & Mollon, Color Res. Appl. 24(4), 1999."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    seen = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    ends = (colours.diverging()[[0, -1]] / 255) ** 2.2 @ seen.T
    lab = rgb2lab(ends.clip(0, 1)[np.newaxis] ** (1 / 2.2))[0]
    assert deltaE_ciede2000(lab[0], lab[1]) > 40


def test_side_by_side_and_png() -> None:
    sheet = side_by_side(GREY, [blobs(), np.abs(blobs())], ["one", "two"], height=100, columns=2)
    assert sheet.dtype == np.uint8
    data = cv2.imdecode(np.frombuffer(png(sheet), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(data[..., ::-1], sheet)
    with pytest.raises(ValueError, match="1 maps and 2 titles"):
        side_by_side(GREY, [blobs()], ["one", "two"])
    assert legend(300, signed=False).shape == (44, 300, 3)
    assert overlay.is_signed(blobs())
