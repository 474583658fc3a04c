"""Every accepted kind of file gives the right picture."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

import quality
from tests.quality.makers import WIDENINGS, Tiff, bmp, picture, png, save, save_16, turned

ROOT = Path(__file__).resolve().parents[2]
RGB = picture()
GREY = np.asarray(Image.fromarray(RGB).convert("L"))
ALPHA = np.tile(np.linspace(0, 255, 60).round().astype(np.uint8), (46, 1))


def grey_rgb(grey: np.ndarray) -> np.ndarray:
    return np.dstack([grey, grey, grey])


def white_under(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Exact composition over white, rounded."""
    a = alpha.astype(float)[..., None] / 255
    return np.floor(colour * a + 255 * (1 - a) + 0.5).astype(np.uint8)


LOSSLESS = [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {})]


@pytest.mark.parametrize(("kind", "options"), [*LOSSLESS, ("WEBP", {"lossless": True})])
def test_rgb(kind: str, options: dict[str, object]) -> None:
    decoded = quality.decode(save(RGB, kind, **options))
    assert np.array_equal(decoded, RGB)
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    assert decoded.flags.writeable


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
def test_jpeg_is_what_opencv_decodes(options: dict[str, object]) -> None:
    data = save(RGB, "JPEG", **options)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(quality.decode(data), expected)


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_black_and_white_and_palette(kind: str, options: dict[str, object], mode: str) -> None:
    image = Image.fromarray(RGB)
    image = image.quantize(200) if mode == "P" else image.convert(mode)
    expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(quality.decode(save(image, kind, **options)), expected)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})]
)
def test_transparency_is_laid_over_white(kind: str, options: dict[str, object]) -> None:
    rgba = np.dstack([RGB, ALPHA])
    decoded = quality.decode(save(rgba, kind, **options))
    assert np.array_equal(decoded, white_under(RGB, ALPHA))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_transparency(kind: str) -> None:
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
    assert np.array_equal(quality.decode(save(image, kind)), white_under(grey_rgb(GREY), ALPHA))


def test_opaque_alpha_changes_nothing() -> None:
    assert np.array_equal(
        quality.decode(save(np.dstack([RGB, np.full_like(GREY, 255)]), "PNG")), RGB
    )


def test_premultiplied_alpha_in_tiff() -> None:
    stored = np.dstack([np.minimum(GREY, ALPHA), ALPHA])
    grey = quality.decode(Tiff().page(stored, 1, t338=1).bytes())
    colours = np.dstack([np.minimum(RGB, ALPHA[..., None]), ALPHA])
    rgb = quality.decode(Tiff().page(colours, 2, t338=1).bytes())
    rest = 255 - ALPHA.astype(int)[..., None]
    # One level of rounding: Pillow divides by alpha before it is applied again.
    assert np.abs(grey.astype(int) - (stored[..., :1] + rest)).max() <= 1
    assert np.abs(rgb.astype(int) - (colours[..., :3] + rest)).max() <= 1


def test_palette_with_transparency() -> None:
    image = Image.fromarray(RGB).quantize(16)
    indices, colours = np.asarray(image), np.asarray(image.convert("RGB"))
    one = colours.copy()
    one[indices == 3] = 255
    assert np.array_equal(quality.decode(save(image, "PNG", transparency=3)), one)
    alphas = np.arange(0, 256, 16, dtype=np.uint8)
    decoded = quality.decode(save(image, "PNG", transparency=alphas.tobytes()))
    assert np.array_equal(decoded, white_under(colours, alphas[indices]))


def test_transparent_colour() -> None:
    marked = RGB.copy()
    marked[:10] = (10, 20, 30)
    expected = marked.copy()
    expected[:10] = 255
    data = save(marked, "PNG", transparency=(10, 20, 30))
    assert np.array_equal(quality.decode(data), expected)


@pytest.mark.parametrize(("depth", "step"), [(1, 255), (2, 85), (4, 17)])
def test_few_bits_of_grey(depth: int, step: int) -> None:
    row = np.arange(8) % 2**depth
    bits = "".join(f"{v:0{depth}b}" for v in row)
    packed = int(bits, 2).to_bytes(depth, "big")
    expected = row * step
    assert quality.decode(png(8, 1, depth, 0, [packed]))[0, :, 1].tolist() == expected.tolist()
    key = png(8, 1, depth, 0, [packed], [(b"tRNS", b"\0\1")])
    expected[row == 1] = 255
    assert quality.decode(key)[0, :, 1].tolist() == expected.tolist()


def test_few_bits_of_colour_in_bmp() -> None:
    primaries = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]])
    five_five_five = struct.pack("<4H", 0x7C00, 0x03E0, 0x001F, 0x7FFF)
    assert np.array_equal(quality.decode(bmp(2, -2, 16, five_five_five)), primaries)
    five_six_five = struct.pack("<4H", 0xF800, 0x07E0, 0x001F, 0xFFFF)
    masks = struct.pack("<3I", 0xF800, 0x07E0, 0x001F)
    assert np.array_equal(quality.decode(bmp(2, -2, 16, five_six_five, 3, b"", masks)), primaries)


def test_bmp_rows_from_top_or_bottom_and_run_lengths() -> None:
    indices = np.array([[1, 1, 1, 5], [7, 8, 9, 9]], dtype=np.uint8)
    palette = b"".join(bytes([i // 2, 255 - i, i, 0]) for i in range(256))
    expected = np.stack([indices, 255 - indices, indices // 2], axis=2)
    runs = bytes([0, 4, 7, 8, 9, 9, 0, 0, 3, 1, 1, 5, 0, 1])
    for data in (
        bmp(4, -2, 8, indices.tobytes(), palette=palette),
        bmp(4, 2, 8, indices[::-1].tobytes(), palette=palette),
        bmp(4, 2, 8, runs, compression=1, palette=palette),
    ):
        assert np.array_equal(quality.decode(data), expected)


@pytest.mark.parametrize("widen", WIDENINGS.values(), ids=WIDENINGS)
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_8_bits_widened_to_16_come_back(
    suffix: str, widen: Callable[[np.ndarray], np.ndarray]
) -> None:
    opaque = np.full(GREY.shape, 65535, dtype=np.uint16)
    assert np.array_equal(quality.decode(save_16(widen(RGB), suffix)), RGB)
    assert np.array_equal(quality.decode(save_16(widen(GREY), suffix)), grey_rgb(GREY))
    assert np.array_equal(quality.decode(save_16(np.dstack([widen(RGB), opaque]), suffix)), RGB)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("shape", [(46, 60), (46, 60, 3)])
def test_16_bits_are_rounded_to_8(suffix: str, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 65536, shape, dtype=np.uint16)
    expected = np.floor(values / 257 + 0.5).astype(np.uint8)
    decoded = quality.decode(save_16(values, suffix))
    assert np.array_equal(decoded, expected if values.ndim == 3 else grey_rgb(expected))


def test_16_bit_transparency() -> None:
    values = np.random.default_rng(1).integers(0, 65536, (2, 3, 3), dtype=np.uint16)
    expected = np.floor(values / 257 + 0.5).astype(np.uint8)
    expected[0, 1] = 255
    stored = values.astype(">u2")
    data = png(3, 2, 16, 2, [r.tobytes() for r in stored], [(b"tRNS", stored[0, 1].tobytes())])
    assert np.array_equal(quality.decode(data), expected)
    rows, key = [r.tobytes() for r in stored[..., 0]], stored[0, 1, :1].tobytes()
    decoded = quality.decode(png(3, 2, 16, 0, rows, [(b"tRNS", key)]))
    assert np.array_equal(decoded, grey_rgb(expected[..., 0]))
    eight = np.floor(values / 257 + 0.5)
    over = white_under(grey_rgb(eight[..., 0]), eight[..., 1])
    grey_alpha = png(3, 2, 16, 4, [r.tobytes() for r in stored[..., :2]])
    assert np.array_equal(quality.decode(grey_alpha), over)


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_tiff_byte_orders_and_bigtiff(order: str, big: bool) -> None:
    for dtype in (np.uint8, np.uint16):
        scale = 257 if dtype == np.uint16 else 1
        rgb = Tiff(order, big).page(RGB.astype(dtype) * scale, 2).bytes()
        grey = Tiff(order, big).page(GREY.astype(dtype) * scale, 1).bytes()
        assert np.array_equal(quality.decode(rgb), RGB)
        assert np.array_equal(quality.decode(grey), grey_rgb(GREY))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_white_is_zero(dtype: type[np.uint8] | type[np.uint16]) -> None:
    largest = np.iinfo(dtype).max
    stored = (largest - GREY.astype(dtype) * (largest // 255)).astype(dtype)
    assert np.array_equal(quality.decode(Tiff().page(stored, 0).bytes()), grey_rgb(GREY))


@pytest.mark.parametrize("compression", ["packbits", "tiff_adobe_deflate", "zstd", "lzma"])
def test_tiff_compressions(compression: str) -> None:
    assert np.array_equal(quality.decode(save(RGB, "TIFF", compression=compression)), RGB)


def test_tiff_with_previews_and_masks_is_one_picture() -> None:
    data = Tiff().page(RGB, 2).page(RGB[::4, ::4], 2, t254=1).page(GREY, 1, t254=4).bytes()
    assert np.array_equal(quality.decode(data), RGB)


def test_tiff_with_too_many_values_in_a_tag() -> None:
    assert np.array_equal(quality.decode(Tiff().page(RGB, 2, t284=(1, 1, 1)).bytes()), RGB)


def test_jpeg_of_several_pictures_gives_the_photograph() -> None:
    other = Image.fromarray(255 - RGB)
    data = save(RGB, "MPO", save_all=True, append_images=[other])
    assert np.array_equal(quality.decode(data), quality.decode(save(RGB, "JPEG")))


def test_png_of_one_frame() -> None:
    data = save(RGB, "PNG", save_all=True, append_images=[])
    assert np.array_equal(quality.decode(data), RGB)


@pytest.mark.parametrize("quality_factor", [75, 100])
def test_cmyk_jpeg_as_adobe_writes_it(quality_factor: int) -> None:
    cmyk = Image.fromarray(picture(seed=3)).convert("CMYK")
    data = save(cmyk, "JPEG", quality=quality_factor, subsampling=0)
    assert b"Adobe" in data
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(quality.decode(data).astype(int) - expected).max() <= 2


def test_cmyk_tiff() -> None:
    ink = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [51, 102, 0, 0]]], np.uint8)
    decoded = quality.decode(Tiff().page(ink, 5).bytes())
    assert decoded[0].tolist() == [[255, 255, 255], [0, 255, 255], [0, 0, 0], [204, 153, 255]]


EXIF_FILES = [
    ("JPEG", {"quality": 95}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
]


@pytest.mark.parametrize(("kind", "options"), EXIF_FILES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(kind: str, options: dict[str, object], orientation: int) -> None:
    data = save(RGB, kind, exif=turned(orientation), **options)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    decoded = quality.decode(data)
    assert decoded.shape == ((60, 46, 3) if orientation > 4 else (46, 60, 3))
    assert np.array_equal(decoded, np.asarray(expected))
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0\xff\xff\xff\xff",
        b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"nothing",
        b"II*\0\x08",
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_leaves_the_picture_as_it_is(block: bytes, kind: str) -> None:
    data = save(RGB, kind, exif=b"Exif\0\0" + block)
    assert np.array_equal(quality.decode(data), quality.decode(save(RGB, kind)))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_is_none(orientation: int) -> None:
    assert np.array_equal(quality.decode(save(RGB, "PNG", exif=turned(orientation))), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_profiles_and_bytes_after_the_end_are_ignored(kind: str) -> None:
    plain = quality.decode(save(RGB, kind))
    tagged = save(RGB, kind, icc_profile=b"not a profile" * 100)
    assert np.array_equal(quality.decode(tagged + b"more" * 10), plain)


def test_one_pixel() -> None:
    one = np.array([[[1, 2, 3]]], dtype=np.uint8)
    for kind in ("PNG", "TIFF", "BMP"):
        assert np.array_equal(quality.decode(save(one, kind)), one)


def test_threads_share_it() -> None:
    files = [save(picture(seed=n), kind) for n in range(8) for kind in ("PNG", "JPEG", "TIFF")]
    expected = [quality.decode(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(quality.decode, files * 4))
    for got, want in zip(decoded, expected * 4, strict=True):
        assert np.array_equal(got, want)


def test_no_setting_of_pillow_is_changed() -> None:
    before = Image.MAX_IMAGE_PIXELS
    quality.decode(save(RGB, "PNG"), quality.Limits(max_pixels=10**9))
    assert before == Image.MAX_IMAGE_PIXELS == 1024**3 // 4 // 3


def test_nothing_is_written_to_disk(tmp_path: Path) -> None:
    """Every kind decodes in a process that may not write a byte to a file."""
    files = {
        "1.jpg": save(RGB, "JPEG"),
        "2.png": save(RGB, "PNG"),
        "3.png": save_16(WIDENINGS["times 257"](RGB), ".png"),
        "4.webp": save(RGB, "WEBP"),
        "5.tif": save(RGB, "TIFF", compression="tiff_lzw"),
        "6.tif": save_16(WIDENINGS["times 257"](RGB), ".tiff"),
        "7.bmp": save(RGB, "BMP"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    code = (
        "import resource, sys, quality\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "print([quality.read(p).shape for p in quality.find_inputs(sys.argv[1:]).files])\n"
    )
    command = [sys.executable, "-B", "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == str([RGB.shape] * len(files))
    assert done.stderr == ""
