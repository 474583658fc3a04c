"""Embedded colour profiles: RGB ones are converted, others said and ignored."""

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import quality
from quality.batch import measure
from quality.limits import MAX_PROFILE_BYTES
from tests.quality.makers import Tiff, bmp, chunk, picture, save, save_16
from tests.quality.profiles import DISPLAY_P3, SRGB, of_space, tag, to_srgb

RGB = picture()
CONVERTED = to_srgb(RGB)
LOSSLESS = {
    "PNG": lambda icc: save(RGB, "PNG", icc_profile=icc),
    "WebP": lambda icc: save(RGB, "WEBP", lossless=True, icc_profile=icc),
    "TIFF": lambda icc: save(RGB, "TIFF", icc_profile=icc),
    "BMP": lambda icc: bmp_with_profile(icc),
}


def bmp_with_profile(profile: bytes) -> bytes:
    """A BMP file with a BITMAPV5HEADER and its profile at the end."""
    rows = b"".join(row.tobytes() for row in RGB[::-1, :, ::-1])
    plain = bmp(60, 46, 24, rows)
    start = 14 + 124
    fields = b"DEBM" + bytes(48) + struct.pack("<4I", 0, 124 + len(rows), len(profile), 0)
    head = plain[:10] + struct.pack("<II", start, 124) + plain[18:54] + bytes(16) + fields
    return head + rows + profile


@pytest.mark.parametrize("kind", LOSSLESS)
def test_wide_colours_become_srgb(kind: str) -> None:
    decoded = quality.decode_with_notes(LOSSLESS[kind](DISPLAY_P3))
    assert np.abs(decoded.image - CONVERTED).max() <= 1.5
    assert np.abs(decoded.image.astype(int) - RGB).max() > 15  # it is a change that one sees
    assert decoded.image.flags.c_contiguous
    assert decoded.notes == ()


def test_jpeg_profile_in_parts_and_turned() -> None:
    padded = DISPLAY_P3 + bytes(100_000)  # two segments
    exif = Image.Exif()
    exif[274] = 6
    plain = quality.decode(save(RGB, "JPEG", quality=95))
    decoded = quality.decode(save(RGB, "JPEG", quality=95, icc_profile=padded, exif=exif))
    assert np.abs(np.rot90(decoded) - to_srgb(plain)).max() <= 1.5


def test_16_bits_and_palettes_are_converted() -> None:
    wide = save_16(RGB.astype(np.uint16) * 257, ".png")
    profile = chunk(b"iCCP", b"P3\0\0" + zlib.compress(DISPLAY_P3))
    assert np.abs(quality.decode(wide[:33] + profile + wide[33:]) - CONVERTED).max() <= 1.5
    indexed = Image.fromarray(RGB).quantize(200)
    data = save(indexed, "PNG", icc_profile=DISPLAY_P3)
    expected = to_srgb(np.asarray(indexed.convert("RGB")))
    assert np.abs(quality.decode(data) - expected).max() <= 1.5


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_profile_of_srgb_changes_nothing(kind: str) -> None:
    decoded = quality.decode_with_notes(LOSSLESS[kind](SRGB))
    assert np.array_equal(decoded.image, RGB)
    assert decoded.notes == ()


def without(name: bytes) -> bytes:
    """Display P3 without the values of one tag."""
    start, size = tag(DISPLAY_P3, name)
    return DISPLAY_P3[:start] + bytes(size) + DISPLAY_P3[start + size :]


UNUSABLE = {
    "no profile": (b"not a profile" * 100, "damaged"),
    "empty": (b"\0", "damaged"),
    "cut off": (DISPLAY_P3[:200], "damaged"),
    "no curve": (without(b"gTRC"), "damaged"),
    "grey": (of_space(b"GRAY"), "one for grey, not RGB,"),
    "CMYK": (of_space(b"CMYK"), "one for CMYK, not RGB,"),
    "large": (DISPLAY_P3 + bytes(MAX_PROFILE_BYTES), f"more than {MAX_PROFILE_BYTES} bytes"),
}


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("case", UNUSABLE)
def test_others_are_said_and_ignored(kind: str, case: str) -> None:
    profile, words = UNUSABLE[case]
    decoded = quality.decode_with_notes(LOSSLESS[kind](profile))
    assert np.array_equal(decoded.image, RGB)
    (note,) = decoded.notes
    assert words in note
    assert note.endswith("was ignored; the colours were taken as sRGB.")


def test_missing_part_of_a_jpeg_profile_is_said() -> None:
    data = save(RGB, "JPEG", icc_profile=DISPLAY_P3 + bytes(100_000))
    start = data.index(b"ICC_PROFILE\0\x02") - 4
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    decoded = quality.decode_with_notes(data[:start] + data[start + 2 + length :])
    assert "damaged" in decoded.notes[0]


def test_rgb_profile_of_a_cmyk_picture_is_said() -> None:
    data = save(Image.fromarray(RGB).convert("CMYK"), "JPEG", icc_profile=DISPLAY_P3)
    assert "does not fit its CMYK colours" in quality.decode_with_notes(data).notes[0]


def test_notes_stand_in_the_row(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(save(RGB, "PNG", icc_profile=b"nothing"))
    row = measure(path)
    assert row.notes.startswith("The file's colour profile is damaged")
    assert row.verdict != "error"


def test_floating_point_stages_are_not_run() -> None:
    """A hostile table that names one stage 90,000 times, and each colour would go through all."""
    count = struct.unpack_from(">I", DISPLAY_P3, 128)[0]
    matrix = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    stages = 90_000
    elements = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, stages)
    place = struct.pack(">II", len(elements) + 8 * stages, len(matrix))
    elements += place * stages + matrix
    moved = bytearray(DISPLAY_P3[132 : 132 + 12 * count])
    for at in range(4, len(moved), 12):
        struct.pack_into(">I", moved, at, struct.unpack_from(">I", moved, at)[0] + 12)
    entry = b"D2B0" + struct.pack(">II", len(DISPLAY_P3) + 12, len(elements))
    size = len(DISPLAY_P3) + 12 + len(elements)
    profile = b"".join([
        struct.pack(">I", size), DISPLAY_P3[4:128], struct.pack(">I", count + 1), moved, entry,
        DISPLAY_P3[132 + 12 * count :], elements,
    ])  # fmt: skip
    start = time.process_time()
    decoded = quality.decode_with_notes(LOSSLESS["PNG"](profile))
    assert time.process_time() - start < 1
    assert np.abs(decoded.image - CONVERTED).max() <= 1.5
    assert decoded.notes == ()


def test_gamma_chunk_is_no_profile() -> None:
    data = save(RGB, "PNG")
    data = data[:33] + chunk(b"gAMA", struct.pack(">I", 100_000)) + data[33:]
    assert quality.decode_with_notes(data).notes == ()


def test_tiff_with_a_profile_beyond_its_end() -> None:
    data = Tiff().page(RGB, 2, t34675=(1,) * 200).bytes()
    cut = bytearray(data)
    at = cut.index(struct.pack("<HHI", 34675, 4, 200))
    cut[at + 4 : at + 8] = struct.pack("<I", 10**6)
    assert "damaged" in quality.decode_with_notes(bytes(cut)).notes[0]
