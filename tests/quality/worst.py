"""The costliest files that the limits let in, a function of the limits for each format.

`benchmarks/decoding.py` decodes them at the limits that the product has, the tests at small ones.
"""

import struct
import zlib
from collections.abc import Callable
from math import isqrt

import numpy as np
from PIL import Image

import quality
from quality.limits import MAX_RUN_LENGTH_PIXELS, MAX_SCANS
from tests.quality.makers import Tiff, bmp, chunk, save

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PASSES = [
    (8, 8, 0, 0),
    (8, 8, 4, 0),
    (4, 8, 0, 4),
    (4, 4, 2, 0),
    (2, 4, 0, 2),
    (2, 2, 1, 0),
    (1, 2, 0, 1),
]
_PAETH = 4


def progressive_jpeg(limits: quality.Limits, components: int = 3, passes: int = 0) -> bytes:
    """Scans that refine nothing, each over all blocks, in a few bytes; as many as are accepted."""
    side = isqrt(limits.max_pixels) // 8 * 8
    blocks = (side // 8) ** 2
    names = bytes(range(1, components + 1))
    most = passes or limits.max_scanned_samples // (side + 8) ** 2
    frame = struct.pack(">BHHB", 8, side, side, components) + b"".join(
        bytes([name, 0x11, 0]) for name in names
    )
    parts = [b"\xff\xd8", _segment(0xDB, b"\0" + b"\1" * 64), _segment(0xC2, frame)]
    # Codes of one bit each: a difference of 0, and the end of the band for up to 32,767 blocks.
    parts += [
        _segment(0xC4, bytes([table, 1, *bytes(15), symbol]))
        for table, symbol in ((0, 0), (16, 0xE0))
    ]
    parts.append(_scan(names, 0, 0, 0, bytes(-(-blocks * components // 8))))
    runs, rest = divmod(blocks, 32_767)
    bits = "0" + "1" * 14
    band = _bytes(bits * (runs + (rest > 0)))
    for number in range(min(most - components, MAX_SCANS - 1)):
        name = names[number % components : number % components + 1]
        parts.append(_scan(name, 63, number >= components, 1 - (number >= components), band))
    return b"".join([*parts, b"\xff\xd9"])


def interlaced_png(limits: quality.Limits, depth: int = 8, alpha: bool = True) -> bytes:
    """Colour and alpha, interlaced, each byte from three neighbours; as many as are accepted."""
    samples = 3 + alpha
    side = isqrt(limits.max_decoded_bytes * 8 // (samples * depth))
    side = min(side, isqrt(limits.max_pixels))
    squeeze = zlib.compressobj(1)
    rows = []
    for across, down, left, top in _PASSES:
        width, height = -(-(side - left) // across), -(-(side - top) // down)
        row = bytes([_PAETH]) + b"\3\1" * (width * samples * depth // 16 + 1)
        rows += [squeeze.compress(row[: 1 + width * samples * depth // 8]) for _ in range(height)]
    header = struct.pack(">IIBBBBB", side, side, depth, 6 if alpha else 2, 0, 0, 1)
    data = b"".join([*rows, squeeze.flush()])
    return _SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def empty_blocks_png(limits: quality.Limits) -> bytes:
    """Blocks of compressed data that hold nothing but their own codes, before a small picture."""
    block = _empty_block() * ((limits.max_bytes - 10_000) // len(_empty_block()))
    rows = zlib.compress((b"\0" + bytes(180)) * 46)
    data = b"\x78\x9c" + block + rows[2:]
    header = struct.pack(">IIBBBBB", 60, 46, 8, 2, 0, 0, 0)
    return _SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noisy_webp(limits: quality.Limits) -> bytes:
    """Lossy WebP of noise."""
    side = isqrt(limits.max_pixels)
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (min(side, 1024), min(side, 1024), 3), dtype=np.uint8)
    times = -(-side // len(tile))
    return save(np.tile(tile, (times, times, 1))[:side, :side], "WEBP", quality=5, method=0)


def deflated_tiff(limits: quality.Limits) -> bytes:
    """Colour and premultiplied alpha; noise as far as the bytes go."""
    side = isqrt(limits.max_pixels)
    noise = np.random.default_rng(0).bytes(limits.max_bytes * 9 // 10)[: 4 * side * side]
    data = zlib.compress(noise + bytes(4 * side * side - len(noise)), 1)
    tags: dict[str, int | tuple[int, ...]] = {"t258": (8,) * 4, "t277": 4, "t338": 1, "t278": side}
    return _tiff(side, side, 8, [data], **tags)


def tiled_tiff(limits: quality.Limits) -> bytes:
    """A small picture in one tile as large as is accepted."""
    side = isqrt(limits.max_decoded_bytes // 3) // 16 * 16
    data = zlib.compress(bytes(3 * side * side), 1)
    tiles = {"t322": side, "t323": side, "t324": 8, "t325": len(data)}
    return _tiff(1, 1, 8, [data], **tiles)


def run_length_bmp(limits: quality.Limits) -> bytes:
    """Runs of one pixel."""
    side = isqrt(min(limits.max_pixels, MAX_RUN_LENGTH_PIXELS))
    rows = (bytes([1, 1]) * side + b"\0\0") * side + b"\0\1"
    return bmp(side, side, 8, rows, compression=1, palette=bytes(1024))


WORST: dict[str, Callable[[quality.Limits], bytes]] = {
    "JPEG, progressive": progressive_jpeg,
    "JPEG, progressive, CMYK": lambda limits: progressive_jpeg(limits, 4),
    "JPEG, progressive, grey": lambda limits: progressive_jpeg(limits, 1),
    "PNG, interlaced": interlaced_png,
    "PNG, interlaced, 16 bits": lambda limits: interlaced_png(limits, 16),
    "PNG, interlaced, 16 bits, no alpha": lambda limits: interlaced_png(limits, 16, alpha=False),
    "PNG, empty blocks": empty_blocks_png,
    "WebP": noisy_webp,
    "TIFF, Deflate": deflated_tiff,
    "TIFF, one tile": tiled_tiff,
    "TIFF, CCITT": lambda limits: save(
        Image.new("1", (isqrt(limits.max_pixels),) * 2, 1), "TIFF", compression="group4"
    ),
    "BMP, runs": run_length_bmp,
}


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _scan(names: bytes, last: int, high: int, low: int, data: bytes) -> bytes:
    """A scan of coefficients from 1 to `last`, or of the first where `last` is 0."""
    head = bytes([len(names)]) + b"".join(bytes([name, 0]) for name in names)
    return _segment(0xDA, head + bytes([min(last, 1), last, high << 4 | low])) + data


def _bytes(bits: str) -> bytes:
    """Bits from the highest, filled with ones; FF is followed by a zero, as in a JPEG scan."""
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def _empty_block() -> bytes:
    """Eight blocks of Deflate with codes of their own that hold no data (RFC 1951, 3.2.7)."""
    number = (2, 2), (0, 5), (0, 5), (14, 4)  # dynamic codes: 257 and 1, told by 18 lengths
    lengths = [(int(symbol in (2, 17)), 3) for symbol in range(18)]  # of the symbols 18 and 1
    zeros = (1, 1), (138 - 11, 7), (1, 1), (118 - 11, 7)
    fields = [(0, 1), *number, *lengths, *zeros, (0, 1), (0, 1), (0, 1)]
    value = size = 0
    for field, width in fields * 8:
        value |= field << size
        size += width
    return value.to_bytes(size // 8, "little")


def _tiff(width: int, height: int, compression: int, parts: list[bytes], **tags: object) -> bytes:
    """A compressed RGB file; strips stand where the tiles' tags are absent."""
    file = Tiff()
    start = len(file.parts)
    file.parts += b"".join(parts)
    offsets = tuple(start + sum(map(len, parts[:n])) for n in range(len(parts)))
    stored = np.zeros((1, 1, 3), np.uint8)
    sizes = tuple(map(len, parts))
    all_tags: dict[str, int | tuple[int, ...]] = {
        "t256": width, "t257": height, "t259": compression, "t273": offsets, "t279": sizes,
        **tags,  # type: ignore[dict-item]
    }  # fmt: skip
    return file.page(stored, 2, **all_tags).bytes()
