"""What decoding may cost: bounded from the header, whatever the file."""

import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest

import quality
from tests.quality.makers import Tiff, bmp, chunk, picture, png, save
from tests.quality.worst import WORST, progressive_jpeg

RGB = picture()
SMALL = quality.Limits(max_pixels=2_000_000, max_bytes=600_000)
"""A 25th of the usual limits, so that the worst file costs a 25th of the two seconds."""


@pytest.mark.parametrize("name", WORST)
def test_worst_accepted_file_of_a_format(name: str) -> None:
    """No more than 40 ns for each pixel that is allowed: 2 s at 50 megapixels."""
    data = WORST[name](quality.Limits(SMALL.max_bytes, 300_000) if "BMP" in name else SMALL)
    limits = quality.Limits(max(SMALL.max_bytes, len(data)), SMALL.max_pixels)
    start = time.process_time()
    assert quality.decode(data, limits).size > 0
    # Thrice as much as it may be, for busy machines; Pillow draws run lengths in Python.
    assert time.process_time() - start < 3 * 40e-9 * SMALL.max_pixels + 0.1 * ("BMP" in name)


def refused(data: bytes, words: str, limits: quality.Limits | None = None) -> None:
    """Refused for its size, at once."""
    start = time.process_time()
    with pytest.raises(quality.ImageTooLargeError, match=words):
        quality.decode(data, limits or quality.Limits())
    assert time.process_time() - start < 0.2


def tiled(width: int, height: int, across: int, down: int, parts: int = 1) -> bytes:
    """A compressed TIFF file whose tiles all begin at one place."""
    places = {"t324": (8,) * parts, "t325": (2,) * parts}
    return (
        Tiff()
        .page(RGB, 2, t256=width, t257=height, t259=8, t322=across, t323=down, **places)
        .bytes()
    )


def test_tiles_much_larger_than_the_picture() -> None:
    refused(tiled(60, 46, 2**14, 2**13), "unfolds to 403 million bytes.*200 million")
    refused(tiled(1, 2**14, 2**13, 2**4, 2**10), "unfolds to 403 million bytes")
    # Half of that is accepted, and then found to be damaged.
    with pytest.raises(quality.CorruptImageError):
        quality.decode(tiled(60, 46, 2**13, 2**12))


def test_tiles_that_share_their_bytes() -> None:
    body = zlib.compress(bytes(16 * 16 * 3))
    tags = {"t322": 16, "t323": 16, "t324": (8,) * 400, "t325": (len(body),) * 400}
    with pytest.raises(quality.CorruptImageError):
        quality.decode(Tiff().page(RGB, 2, t256=320, t257=320, t259=8, **tags).bytes())


def test_narrow_pictures() -> None:
    for width, height in ((1, 30_001), (30_001, 1)):
        words = f"{width} x {height} pixels; at most 30,000 on each side"
        refused(png(width, height, 1, 0, [bytes(8)]), words)
    assert quality.decode(png(1, 30_000, 8, 0, [b"\7"] * 30_000)).shape == (30_000, 1, 3)


def test_16_bits_count_for_two_bytes() -> None:
    limits = quality.Limits(max_pixels=100)
    data = png(10, 10, 16, 6, [bytes(80)] * 10)
    refused(data, "unfolds to 0 million bytes", limits)
    assert quality.decode(png(10, 5, 16, 6, [bytes(80)] * 5), limits).shape == (5, 10, 3)


def test_scans_count_by_their_samples() -> None:
    limits = quality.Limits(max_pixels=10**6)
    assert quality.decode(progressive_jpeg(limits), limits).shape == (1000, 1000, 3)
    refused(
        progressive_jpeg(limits, passes=16),
        "scans go through 16 million samples.*15 million",
        limits,
    )


def test_scans_of_a_second_picture_do_not_count() -> None:
    first, second = save(RGB, "JPEG", progressive=True), save(RGB, "JPEG", progressive=True)
    data = first + second * 20
    assert np.array_equal(quality.decode(data), quality.decode(first))


def test_jpeg_tiles_of_many_scans() -> None:
    body = progressive_jpeg(quality.Limits(max_pixels=64 * 64), passes=9)
    tags = {"t322": 64, "t323": 64, "t324": 8, "t325": len(body)}
    data = Tiff()
    data.parts += body
    file = data.page(RGB, 6, t256=60, t257=46, t259=7, **tags).bytes()
    with pytest.raises(quality.UnsupportedFormatError, match="JPEG compression of several scans"):
        quality.decode(file)


def test_more_runs_than_pixels() -> None:
    data = bmp(
        60, 46, 8, bytes([0, 2, 0, 0]) * 10_000 + b"\0\1", compression=1, palette=bytes(1024)
    )
    start = time.process_time()
    with pytest.raises(quality.CorruptImageError):
        quality.decode(data)
    assert time.process_time() - start < 0.1


def test_compressed_profile_is_cut() -> None:
    """A profile of blocks without data would be gone through to its end."""
    body = b"x\0\0" + zlib.compress(bytes(10)) + bytes(5 * 2**20)
    plain = save(RGB, "PNG")
    decoded = quality.decode_with_notes(plain[:33] + chunk(b"iCCP", body) + plain[33:])
    assert np.array_equal(decoded.image, RGB)
    assert len(decoded.notes) == 1


MAKERS: dict[str, Callable[[], bytes]] = {
    "frame of no components": lambda: changed(save(RGB, "JPEG"), b"\xff\xc0", 9, 0),
    "sampling factor of 0": lambda: changed(save(RGB, "JPEG"), b"\xff\xc0", 11, 0),
    "no colour type": lambda: png(60, 46, 8, 5, [bytes(60)] * 46),
}


def changed(data: bytes, after: bytes, offset: int, value: int) -> bytes:
    at = data.index(after) + offset
    return data[:at] + struct.pack("B", value) + data[at + 1 :]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_headers_whose_cost_cannot_be_told(make: Callable[[], bytes]) -> None:
    with pytest.raises(quality.CorruptImageError):
        quality.decode(make())
