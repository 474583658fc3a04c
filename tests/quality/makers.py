"""Pictures and files for the tests of this folder, the odd and the hostile ones included."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

ORIENTATION = 274
WIDENINGS: dict[str, Callable[[Pixels], NDArray[np.uint16]]] = {
    "times 257": lambda values: values.astype(np.uint16) * 257,
    "shifted": lambda values: values.astype(np.uint16) << 8,
}


def picture(width: int = 60, height: int = 46, seed: int = 0) -> Pixels:
    """A smooth coloured picture, not symmetric in any way."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def save(pixels: Pixels | Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file that Pillow writes."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def save_16(values: NDArray[np.uint16], suffix: str) -> bytes:
    """A 16-bit file, `.png` or `.tiff`; values are (H, W), RGB or RGBA."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[
        values.ndim if values.ndim == 2 else values.shape[2]
    ]
    stored = values if order is None else cv2.cvtColor(values, order)
    return bytes(cv2.imencode(suffix, stored)[1])


def turned(orientation: int) -> Image.Exif:
    """An EXIF block that says how a picture is turned."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int,
    height: int,
    depth: int,
    colour: int,
    rows: Sequence[bytes],
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG file of unfiltered rows, with extra chunks before the picture's data."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    extras = b"".join(chunk(name, body) for name, body in extra)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extras
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def riff(name: bytes, body: bytes) -> bytes:
    """A chunk of a WebP file, padded to an even number of bytes."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(width: int, height: int, flags: int, *chunks: bytes) -> bytes:
    """A WebP file of these chunks after an extended header (RFC 9649, section 2.7)."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    header = riff(b"VP8X", bytes([flags, 0, 0, 0]) + size)
    return riff(b"RIFF", b"WEBP" + header + b"".join(chunks))


def bmp(
    width: int,
    height: int,
    depth: int,
    data: bytes,
    compression: int = 0,
    palette: bytes = b"",
    masks: bytes = b"",
) -> bytes:
    """A BMP file; a negative height stores the rows from the top."""
    info = struct.pack(
        "<IiiHHIIiiII",
        *(40, width, height, 1, depth, compression, len(data), 0, 0, len(palette) // 4, 0),
    )
    start = 14 + len(info) + len(masks) + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    return head + info + masks + palette + data


class Tiff:
    """Builds a TIFF file of one strip per directory, tag by tag."""

    def __init__(self, order: str = "<", big: bool = False) -> None:
        self.order = order
        self.big = big
        magic = (b"II" if order == "<" else b"MM") + self._pack("H", 43 if big else 42)
        self.parts = magic + (self._pack("HH", 8, 0) if big else b"") + self._offset(0)
        # Where the next directory's offset has to be written.
        self.link = len(self.parts) - len(self._offset(0))

    def _pack(self, code: str, *values: int | float) -> bytes:
        return struct.pack(self.order + code, *values)

    def _offset(self, value: int) -> bytes:
        return self._pack("Q" if self.big else "I", value)

    def page(
        self, stored: NDArray[np.generic], photometric: int, **tags: int | tuple[int, ...]
    ) -> "Tiff":
        """Add a picture as stored, (H, W) or (H, W, samples); tags by number as `t254=1`."""
        samples = 1 if stored.ndim == 2 else stored.shape[2]
        data = stored.astype(stored.dtype.newbyteorder(self.order)).tobytes()
        values: dict[int, tuple[int, ...]] = {
            256: (stored.shape[1],),
            257: (stored.shape[0],),
            258: (stored.dtype.itemsize * 8,) * samples,
            259: (1,),
            262: (photometric,),
            273: (len(self.parts),),
            277: (samples,),
            278: (stored.shape[0],),
            279: (len(data),),
        }
        for name, value in tags.items():
            values[int(name[1:])] = value if isinstance(value, tuple) else (value,)
        self.parts += data + b"\0" * (len(data) % 2)
        start_of_values = len(self.parts)
        long_values = b""
        entries = self._pack("Q" if self.big else "H", len(values))
        width = len(self._offset(0))
        for tag, numbers in sorted(values.items()):
            field = self._pack(f"{len(numbers)}I", *numbers)
            if len(field) > width:
                position = start_of_values + len(long_values)
                long_values += field
                field = self._offset(position)
            entries += (
                self._pack("HH", tag, 4) + self._offset(len(numbers)) + field.ljust(width, b"\0")
            )
        self.parts += long_values
        start = len(self.parts)
        self.parts = self.parts[: self.link] + self._offset(start) + self.parts[self.link + width :]
        self.parts += entries
        self.link = len(self.parts)
        self.parts += self._offset(0)
        return self

    def bytes(self) -> bytes:
        """The whole file."""
        return self.parts
