"""When a picture was taken, of every format that says it, and of files that say nonsense."""

import io
from datetime import datetime, timedelta, timezone

import pytest
from PIL import Image

import quality

EXIF_DIRECTORY, TAKEN, OFFSET = 34665, 36867, 36881
NOON = datetime(2026, 3, 1, 12, 30, 5)


def file(kind: str, **tags: str) -> bytes:
    image, exif, data = Image.new("RGB", (8, 8), "peru"), Image.Exif(), io.BytesIO()
    names = {"taken": TAKEN, "offset": OFFSET}
    exif.get_ifd(EXIF_DIRECTORY).update({names[name]: text for name, text in tags.items()})
    exif[EXIF_DIRECTORY] = 0  # without it the directory is left out of PNG and TIFF
    image.save(data, kind, exif=exif)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_format_says_when(kind: str) -> None:
    found = quality.taken(file(kind, taken="2026:03:01 12:30:05", offset="+05:30"))
    assert found == NOON.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert quality.taken(file(kind, taken="2026:03:01 12:30:05")) == NOON
    assert quality.taken(file(kind)) is None


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2026:13:01 00:00:00",
        "0026:03:01 12:30:05",
        "",
    ],
)
def test_what_no_calendar_has_is_nothing(text: str) -> None:
    assert quality.taken(file("JPEG", taken=text)) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_damaged_files_say_nothing_and_raise_nothing(kind: str) -> None:
    whole = file(kind, taken="2026:03:01 12:30:05")
    for end in range(0, len(whole), 7):
        assert quality.taken(whole[:end]) in (None, NOON)
        quality.taken(whole[:end] + b"\xff" * 4 + whole[end + 4 :])
