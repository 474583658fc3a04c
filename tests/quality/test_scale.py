"""The scale that a picture's file states, where it can be one."""

import io

import numpy as np
import pytest
from PIL import Image

from quality.scale import pixels_per_mm

PICTURE = Image.fromarray(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(
    ("dpi", "found"),
    [((1016, 1016), 40), ((72, 72), None), ((300, 300), None), ((1016, 2032), None),
     ((65000, 65000), None)],
)  # fmt: skip
def test_what_is_for_a_printer_is_no_scale(
    kind: str, dpi: tuple[int, int], found: float | None
) -> None:
    file = io.BytesIO()
    PICTURE.save(file, kind, dpi=dpi)
    assert pixels_per_mm(file.getvalue()) == (found and pytest.approx(found, abs=0.05))


def test_a_file_without_one_and_what_is_none() -> None:
    file = io.BytesIO()
    PICTURE.save(file, "BMP", dpi=(0, 0))
    for data in (file.getvalue(), b"", b"\xff\xd8\xff"):
        assert pixels_per_mm(data) is None
