"""JPEG files without the mark of their end: pictures where every row is there, with a note."""

import numpy as np
import pytest
from PIL import Image

import quality
from quality.decoding import NO_END
from tests.quality.makers import picture, save
from tests.quality.profiles import DISPLAY_P3

RGB = picture(200, 150)
FILES = {
    "baseline": save(RGB, "JPEG"),
    "quality 100": save(RGB, "JPEG", quality=100, subsampling=0),
    "progressive": save(RGB, "JPEG", progressive=True),
    "grey": save(Image.fromarray(RGB).convert("L"), "JPEG"),
    "flat": save(np.full_like(RGB, 130), "JPEG"),
    "CMYK": save(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    "restarts": save(RGB, "JPEG", restart_marker_rows=1),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [b"", b"\xff", bytes(5000), b"\xff" + bytes(700)])
def test_only_the_mark_is_missing(name: str, left: bytes) -> None:
    whole = FILES[name]
    decoded = quality.decode_with_notes(whole[:-2] + left)
    assert np.array_equal(decoded.image, quality.decode(whole))
    assert decoded.notes == (NO_END,)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("missing", [2, 3, 10, 100, 300])
def test_some_of_the_picture_is_missing(name: str, missing: int) -> None:
    cut = FILES[name][: -2 - missing]
    for data in (cut, cut + bytes(4000), cut + b"\xff"):
        with pytest.raises(quality.CorruptImageError):
            quality.decode(data)


def test_missing_scans() -> None:
    data = FILES["progressive"]
    starts = [n for n in range(len(data)) if data.startswith(b"\xff\xda", n)]
    for start in starts[1:]:
        cut = data[: data.rindex(b"\xff\xc4", 0, start)]
        with pytest.raises(quality.CorruptImageError):
            quality.decode(cut)


def test_both_notes() -> None:
    data = save(RGB, "JPEG", icc_profile=DISPLAY_P3[:300])[:-2]
    notes = quality.decode_with_notes(data).notes
    assert len(notes) == 2
    assert notes[1] == NO_END
