"""What is not one usable picture is refused, in a sentence, before work is spent on it."""

import re
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from functools import reduce

import cv2
import numpy as np
import pytest
from PIL import Image

import quality
from quality.limits import MAX_PARTS, MAX_RUN_LENGTH_PIXELS, MAX_SCANS
from tests.quality.makers import Tiff, bmp, chunk, picture, png, save

RGB = picture()
GREY = np.ascontiguousarray(RGB[..., 0])
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MIB = 2**20


def refused(data: bytes, error: type[quality.ImageError], words: str, status: int) -> None:
    """`decode` raises this error, whose sentence holds these words."""
    with pytest.raises(error, match=words) as caught:
        quality.decode(data)
    assert type(caught.value) is error
    assert caught.value.status == status
    sentence = str(caught.value)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "accepted" in sentence or "needed" in sentence


def test_no_bytes() -> None:
    refused(b"", quality.EmptyImageError, r"empty \(0 bytes\)", 400)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"hello, I was renamed to photo.jpg\n", "a text file"),
        ("naïve text of umlauts äöü ".encode() * 40, "a text file"),
        (b"BMW is a maker of cars, and BM also begins a bitmap", "a text file"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "a HEIC picture"),
        (bytes(128) + b"DICM" + bytes(50), "a DICOM file"),
        (b"\2\0\0\0UL\4\0\xc6\0\0\0\2\0\1\0OB\0\0\2\0\0\0\0\1", "a DICOM file"),
        (b"\x08\0\5\0CS\n\0ISO_IR 100\x08\0\x08\0CS\2\0  ", "a DICOM file"),
        (b"\x08\0\5\0\n\0\0\0ISO_IR 100\x08\0\x08\0\2\0\0\0  ", "a DICOM file"),
        (b"\0\x08\0\5CS\0\nISO_IR 100\0\x08\0\x08CS\0\2  ", "a DICOM file"),
        (b"\x08\0\5\0" + bytes(60), "of an unknown kind"),
        (b"RIFF\x10\0\0\0WAVEfmt " + bytes(50), "of an unknown kind"),
        (bytes(range(256)), "of an unknown kind"),
        (b"\xff\xd8", "of an unknown kind"),
        (save(RGB, "GIF"), "a GIF picture"),
        (save(RGB, "AVIF"), "an AVIF picture"),
        (save(RGB, "JPEG2000"), "a JPEG 2000 picture"),
    ],
)
def test_other_formats(data: bytes, what: str) -> None:
    refused(data, quality.UnsupportedFormatError, f"The file is {what}.*JPEG, PNG, WebP", 415)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9, -1])
def test_truncated(kind: str, keep: float) -> None:
    data = save(RGB, kind)
    # Of a JPEG file the mark of its end may be missing; see test_endings.py.
    least = -3 if kind == "JPEG" else -1
    cut = data[:least] if keep < 0 else data[: max(int(len(data) * keep), 20)]
    refused(cut, quality.CorruptImageError, f"(?i){kind} file (is damaged|ends before)", 400)


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_nothing(kind: str) -> None:
    for length in range(20, 60):
        with pytest.raises(quality.ImageError):
            quality.decode(save(RGB, kind)[:length])


def test_wrong_checksum() -> None:
    data = bytearray(save(RGB, "PNG"))
    data[data.index(b"IDAT") + 40] ^= 1
    refused(bytes(data), quality.CorruptImageError, "damaged", 400)


def test_too_many_tags() -> None:
    tags = {f"t{1000 + n}": n for n in range(60_000)}
    refused(Tiff().page(RGB, 2, **tags).bytes(), quality.CorruptImageError, "unusual variant", 400)


def test_missing_strips() -> None:
    taller = Tiff().page(RGB, 2, t257=5000, t278=46).bytes()
    refused(taller, quality.CorruptImageError, "incomplete", 400)
    longer = Tiff().page(RGB, 2, t279=RGB.size + 1000).bytes()
    refused(longer, quality.CorruptImageError, "incomplete", 400)


@pytest.mark.parametrize(
    "data",
    [
        save(RGB, "PNG", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        save(RGB, "WEBP", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        save(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(255 - RGB)]),
        Tiff().page(RGB, 2).page(RGB, 2, t254=2).bytes(),
        reduce(lambda file, _: file.page(RGB[:1, :1], 2, t254=1), range(100), Tiff()).bytes(),
    ],
    ids=["PNG", "WebP", "TIFF", "TIFF page", "TIFF of many previews"],
)
def test_several_pictures(data: bytes) -> None:
    refused(data, quality.UnsupportedFormatError, "several pictures", 415)


def jpeg_of(width: int, height: int, frame: int = 0xC0) -> bytes:
    """A small JPEG whose frame header claims another size, or coding."""
    data = save(RGB, "JPEG")
    start = data.index(b"\xff\xc0")
    size = struct.pack(">HH", height, width)
    return (
        data[: start + 1] + bytes([frame]) + data[start + 2 : start + 5] + size + data[start + 9 :]
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (bytes(cv2.imencode(".tiff", RGB.astype(np.float32))[1]), "floating-point samples"),
        (Tiff().page(GREY.astype(np.float32), 1, t339=3).bytes(), "floating-point samples"),
        (Tiff().page(GREY.astype(np.int16), 1, t339=2).bytes(), "signed or floating"),
        (Tiff().page(GREY.astype(np.uint32), 1).bytes(), "32 bits per sample"),
        (Tiff().page(RGB.astype(np.uint16), 2, t284=2).bytes(), "16 bits per sample in separate"),
        (Tiff(">", big=True).page(RGB, 2).bytes(), "big-endian BigTIFF"),
        (Tiff().page(RGB, 8).bytes(), "samples of the kind LAB"),
        (Tiff().page(RGB, 2, t259=6).bytes(), "the compression 6"),
        (jpeg_of(60, 46, frame=0xC9), "arithmetic or lossless coding"),
        (jpeg_of(60, 46, frame=0xC3), "arithmetic or lossless coding"),
        (png(1, 1, 8, 2, [b"abc"], [(b"CgBI", b"\0")]), "a chunk CgBI"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_variants_that_cannot_be_judged(data: bytes, what: str) -> None:
    refused(data, quality.UnsupportedFormatError, f"file has .*{what}.*8 or 16 bits", 415)


def webp_of(width: int, height: int, lossless: bool) -> bytes:
    """A small WebP whose stream claims another size."""
    data = save(RGB, "WEBP", lossless=lossless)
    if lossless:
        start = data.index(b"VP8L") + 9
        size = (width - 1) | (height - 1) << 14 | (data[start + 3] & 0xF0) << 24
        return data[:start] + struct.pack("<I", size) + data[start + 4 :]
    start = data.index(b"\x9d\x01\x2a") + 3
    return data[:start] + struct.pack("<HH", width, height) + data[start + 4 :]


BOMBS: dict[str, Callable[[int, int], bytes]] = {
    "JPEG": jpeg_of,
    "PNG": lambda w, h: png(w, h, 8, 2, [bytes(100)]),
    "WebP": lambda w, h: webp_of(w, h, False),
    "WebP lossless": lambda w, h: webp_of(w, h, True),
    "TIFF": lambda w, h: Tiff().page(RGB, 2, t256=w, t257=h, t278=h).bytes(),
    "BMP": lambda w, h: bmp(w, h, 24, bytes(100)),
    "BMP from the top": lambda w, h: bmp(w, -h, 24, bytes(100)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_too_many_pixels_are_refused_before_decoding(bomb: Callable[[int, int], bytes]) -> None:
    data = bomb(12_000, 11_000)
    tracemalloc.start()
    start = time.perf_counter()
    refused(data, quality.ImageTooLargeError, "12000 x 11000 pixels .*50 megapixels", 413)
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] < MIB
    tracemalloc.stop()


def test_pixel_limit_counts_exactly() -> None:
    data = save(RGB, "PNG")
    assert quality.decode(data, quality.Limits(max_pixels=60 * 46)).shape == RGB.shape
    with pytest.raises(quality.ImageTooLargeError):
        quality.decode(data, quality.Limits(max_pixels=60 * 46 - 1))


def test_byte_limit_counts_exactly() -> None:
    data = save(RGB, "PNG")
    assert quality.decode(data, quality.Limits(max_bytes=len(data))).shape == RGB.shape
    words = f"{len(data):,} bytes; at most {len(data) - 1:,}"
    with pytest.raises(quality.ImageTooLargeError, match=words):
        quality.decode(data, quality.Limits(max_bytes=len(data) - 1))


@pytest.mark.parametrize("name", ["max_bytes", "max_pixels"])
def test_limits_must_let_something_in(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0"):
        quality.Limits(**{name: 0})


def test_text_chunks_are_never_inflated() -> None:
    text = zlib.compress(bytes(40 * MIB), 1)
    plain = save(RGB, "PNG")
    bombs = chunk(b"zTXt", b"x\0\0" + text) + chunk(b"iTXt", b"x\0\1\0\0\0" + text)
    profile = chunk(b"iCCP", b"x\0\0" + text)
    data = plain[:33] + bombs + profile + plain[33:]
    tracemalloc.start()
    assert np.array_equal(quality.decode(data), RGB)
    assert tracemalloc.get_traced_memory()[1] < 10 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        save(RGB, "JPEG")[:2] + b"\xff\xfe\0\2" * (MAX_PARTS + 1) + save(RGB, "JPEG")[2:],
        save(RGB, "PNG")[:33] + chunk(b"abCd", b"") * (MAX_PARTS + 1) + save(RGB, "PNG")[33:],
        Tiff().page(RGB, 2, t273=(8,) * (MAX_PARTS + 1)).bytes(),
    ],
    ids=["JPEG", "PNG", "TIFF"],
)
def test_many_small_parts(data: bytes) -> None:
    start = time.perf_counter()
    refused(data, quality.UnsupportedFormatError, f"more than {MAX_PARTS} parts", 415)
    assert time.perf_counter() - start < 5


def test_many_scans() -> None:
    data = save(RGB, "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    last = data[start:-2]
    refused(
        data[:-2] + last * MAX_SCANS + b"\xff\xd9",
        quality.UnsupportedFormatError,
        f"more than {MAX_SCANS} scans",
        415,
    )


def test_large_run_lengths() -> None:
    side = int(MAX_RUN_LENGTH_PIXELS**0.5) + 1
    data = bmp(side, side, 8, bytes([0, 1]), compression=1, palette=bytes(1024))
    refused(data, quality.UnsupportedFormatError, "run-length coding", 415)


@pytest.mark.parametrize("width", [0, 1])
def test_no_pixels(width: int) -> None:
    for data in (
        png(width, 1 - width, 8, 2, [b""]),
        jpeg_of(width, 1 - width),
        bmp(width, 1 - width, 24, bytes(4)),
        Tiff().page(RGB, 2, t256=width, t257=1 - width).bytes(),
    ):
        refused(data, quality.CorruptImageError, "at least one pixel", 400)


def test_sentences_hold_no_text_of_the_file() -> None:
    with pytest.raises(quality.ImageError) as caught:
        quality.decode(b"<script>alert(1)</script>")
    assert not re.search("[<>]", str(caught.value))
