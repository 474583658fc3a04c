"""Cells are drawn where they lie."""

import cv2
import numpy as np
import pytest

from interpretability.attribution.placement import placed


@pytest.mark.parametrize(
    ("backbone", "centre"), [("resnet18", 0), ("densenet161", 14), ("mobilenet_v2", 0)]
)
def test_a_cell_is_brightest_at_its_centre(backbone: str, centre: int) -> None:
    grid = np.zeros((4, 4), np.float32)
    grid[1, 2] = 1
    found = placed(grid, backbone, 128)
    assert found.shape == (128, 128)
    assert np.unravel_index(found.argmax(), found.shape) == (32 + centre, 64 + centre)
    assert found[32 + centre, 64 + centre + 16] == pytest.approx(0.5)


def test_stretched_is_what_resizing_does() -> None:
    grid = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)
    expected = cv2.resize(grid, (160, 160), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(placed(grid, "efficientnet_lite0", 160), expected, atol=0.02)
