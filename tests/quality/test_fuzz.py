"""Whatever the bytes: a picture, or an ImageError with a sentence."""

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

import quality
from tests.quality.makers import Tiff, picture, save, save_16, turned

RGB = picture(24, 17)
WIDE = RGB.astype(np.uint16) * 257
RGBA = np.dstack([RGB, RGB[..., 0]])
INDEXED = Image.fromarray(RGB).quantize(16)
SEEDS = [
    save(RGB, "JPEG", exif=turned(6)),
    save(RGB, "JPEG", progressive=True),
    save(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    save(RGB, "PNG", exif=turned(3)),
    save(INDEXED, "PNG", transparency=3),
    save_16(WIDE, ".png"),
    save(RGBA, "WEBP"),
    save(RGB, "WEBP", lossless=True, exif=turned(5)),
    save(RGB, "TIFF", compression="tiff_lzw", exif=turned(8)),
    save(RGB, "TIFF", compression="jpeg"),
    save_16(WIDE, ".tiff"),
    Tiff(">").page(WIDE[..., 0], 1).page(RGB, 2, t254=1).bytes(),
    Tiff("<", big=True).page(RGBA, 2, t338=2).bytes(),
    save(RGB, "BMP"),
    save(INDEXED, "BMP"),
]
LIMITS = quality.Limits(max_pixels=10**6)

# The library's decoders take longer on some inputs than hypothesis' deadline of 0.2 s allows.
fuzz = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decode(data: bytes) -> None:
    """Decode; only an ImageError with a sentence and a status may come instead of a picture."""
    refusal: quality.ImageError | None = None
    try:
        image = quality.decode(data, LIMITS)
    except quality.ImageError as error:
        refusal = error
    if refusal is not None:
        assert str(refusal).endswith(".")
        assert refusal.status in (400, 413, 415)
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert 0 < image.size <= 3 * LIMITS.max_pixels
    assert image.flags.c_contiguous


@fuzz
@given(st.binary(max_size=400))
@example(b"BM" + bytes(12) + b"\x28\0\0\0" + b"\xff" * 40)
@example(b"II*\0\x08\0\0\0\xff\xff")
@example(b"RIFF\xff\xff\xff\xffWEBPVP8X")
def test_any_bytes(data: bytes) -> None:
    decode(data)


@fuzz
@given(
    start=st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP", b"II*\0", b"MM\0+", b"BM"]
    ),
    rest=st.binary(max_size=300),
)
def test_any_bytes_after_a_signature(start: bytes, rest: bytes) -> None:
    decode(start + rest)


@fuzz
@given(seed=st.sampled_from(SEEDS), fraction=st.floats(0, 1))
def test_truncated_files(seed: bytes, fraction: float) -> None:
    decode(seed[: int(len(seed) * fraction)])


CHANGE = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1", b""])
    | st.binary(min_size=1, max_size=4),
    st.integers(0, 8),
)


@settings(fuzz, max_examples=200)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(CHANGE, min_size=1, max_size=6),
    within=st.sampled_from([64, 400, 10**6]),
)
def test_changed_files(seed: bytes, changes: list[tuple[float, bytes, int]], within: int) -> None:
    data = bytearray(seed)
    for place, new, removed in changes:
        at = int(place * min(len(data), within))
        data[at : at + removed] = new
    decode(bytes(data))
