"""Files made to cost time, memory or a full log: still the picture, at once and in silence."""

import struct
import time
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pytest

import quality
from tests.quality.makers import Tiff, chunk, picture, riff, save, save_16, webp

RGB = picture()
MIB = 2**20


def directory(count: int) -> bytes:
    """An EXIF block of many tags, each of which claims more bytes than there are."""
    entries = (struct.pack("<HHII", 1000 + n, 2, 10**8 + n, 8) for n in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + b"".join(entries) + bytes(4)


def jpeg_segments() -> bytes:
    """60,000 EXIF segments; joining them one by one would copy 400 GB."""
    data = save(RGB, "JPEG")
    segment = b"\xff\xe1\0\xd0Exif\0\0" + bytes(200)
    return data[:2] + segment * 60_000 + data[2:]


def jpeg_fill_bytes() -> bytes:
    """A marker of which the first byte stands 10 million times."""
    data = save(RGB, "JPEG")
    return data[:2] + b"\xff" * 10**7 + data[2:]


def png_profiles() -> bytes:
    """7,000 colour profiles, each of which inflates to a megabyte."""
    data = save(RGB, "PNG")
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(MIB - 16), 9))
    return data[:33] + profile * 7_000 + data[33:]


def webp_chunks(before: bool) -> Callable[[], bytes]:
    """1.9 million empty chunks."""

    def make() -> bytes:
        bitmap, empty = save(RGB, "WEBP")[12:], riff(b"abcd", b"") * 1_900_000
        return webp(60, 46, 0, *((empty, bitmap) if before else (bitmap, empty)))

    return make


def tiff_tags() -> bytes:
    """4,000 tags of metadata, each of which claims more values than the file has bytes."""
    tags = {f"t{1000 + n}": (n,) * 2 for n in range(4_000)}
    data = bytearray(Tiff().page(RGB, 2, **tags).bytes())
    start = data.index(struct.pack("<HHI", 1000, 4, 2))
    for n in range(4_000):
        at = start + 12 * n + 4
        data[at : at + 4] = struct.pack("<I", 10**8 + n)
    return bytes(data)


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "JPEG": (jpeg_segments, "JPEG"),
    "JPEG fill bytes": (jpeg_fill_bytes, "JPEG"),
    "PNG": (png_profiles, "PNG"),
    "WebP": (webp_chunks(False), "WEBP"),
    "WebP, before the picture": (webp_chunks(True), "WEBP"),
    "TIFF": (tiff_tags, "TIFF"),
    "JPEG EXIF": (lambda: save(RGB, "JPEG", exif=b"Exif\0\0" + directory(5_000)), "JPEG"),
    "PNG EXIF": (lambda: save(RGB, "PNG", exif=directory(60_000)), "PNG"),
    "WebP EXIF": (lambda: save(RGB, "WEBP", exif=directory(60_000)), "WEBP"),
}


@pytest.mark.parametrize("name", FILES)
def test_metadata_costs_nothing(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    make, kind = FILES[name]
    data = make()
    assert len(data) <= quality.Limits().max_bytes
    expected = quality.decode(save(RGB, kind))
    capfd.readouterr()
    start = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        decoded = quality.decode(data)
    assert time.process_time() - start < 2
    assert np.array_equal(decoded, expected)
    assert warned == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("side", [12_000, 16_383])
def test_large_webp_is_refused_before_it_is_drawn(side: int) -> None:
    """Pillow refuses to open the larger one, and so cannot tell its size."""
    data = bytearray(save(RGB, "WEBP"))
    start = data.index(b"\x9d\x01\x2a") + 3
    data[start : start + 4] = struct.pack("<HH", side, side)
    start_time = time.process_time()
    with pytest.raises(quality.ImageTooLargeError, match=r"megapixels.*at most 50 megapixels"):
        quality.decode(bytes(data))
    assert time.process_time() - start_time < 1


def test_webp_animation_of_one_frame_is_a_picture() -> None:
    bitmap = save(RGB, "WEBP")[12:]
    size = (59).to_bytes(3, "little") + (45).to_bytes(3, "little")
    frame = riff(b"ANMF", bytes(6) + size + bytes(4) + bitmap)
    data = webp(60, 46, 0x02, riff(b"ANIM", bytes(6)), frame)
    assert np.array_equal(quality.decode(data), quality.decode(save(RGB, "WEBP")))


def test_premultiplied_16_bit_tiff() -> None:
    """OpenCV leaves such samples as they are stored: there its reading does not count."""
    alpha = np.tile(np.linspace(0x1000, 0xFFFF, 60).astype(np.uint16), (46, 1))
    colour = np.minimum(RGB.astype(np.uint16) * 257, alpha[..., None])
    data = Tiff().page(np.dstack([colour, alpha]), 2, t338=1).bytes()
    over = (colour.astype(float) + (65535.0 - alpha[..., None])) / 257
    # Pillow divides the high bytes by alpha before it is applied again.
    assert np.abs(quality.decode(data) - over).max() < 3


def test_16_bit_tiff_that_opencv_reads() -> None:
    values = np.random.default_rng(2).integers(0, 65536, (46, 60, 4), dtype=np.uint16)
    values[..., 3] = 65535
    expected = np.floor(values[..., :3] / 257 + 0.5)
    assert np.array_equal(quality.decode(save_16(values, ".tiff")), expected)
