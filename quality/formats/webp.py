"""WebP: the chunks of its RIFF container (RFC 9649)."""

from quality.formats.essence import Essence, SeveralPicturesError, require_parts
from quality.formats.ifd import exif_orientation

_HEADER_SIZE = 12
_CHUNK_HEADER = 8
_ANIMATION = 0x02
_TRANSPARENCY = 0x10


def read(data: bytes) -> Essence:
    """The picture of a WebP file.

    Raises ValueError, IndexError where the container is damaged or cut off, SeveralPicturesError
    for an animation.
    """
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the file ends early")
    canvas: tuple[int, int] | None = None
    bitmap: tuple[int, int] | None = None
    kept: list[bytes] = []
    orientation = 1
    position = _HEADER_SIZE
    parts = 0
    while position + _CHUNK_HEADER <= end:
        parts += 1
        require_parts(parts)
        name = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + _CHUNK_HEADER], "little")
        body = data[position + _CHUNK_HEADER : position + _CHUNK_HEADER + length]
        if len(body) < length:
            raise ValueError("a chunk ends early")
        if name == b"VP8X":
            if body[0] & _ANIMATION:
                raise SeveralPicturesError
            canvas = 1 + _little(body[4:7]), 1 + _little(body[7:10])
            # Of the features only transparency remains: the other chunks are left out.
            kept.append(_chunk(name, bytes([body[0] & _TRANSPARENCY]) + body[1:]))
        elif name == b"EXIF":
            orientation = exif_orientation(body)
        elif name == b"ALPH":
            kept.append(_chunk(name, body))
        elif name in _SIZES and bitmap is None:
            bitmap = _SIZES[name](body)
            kept.append(_chunk(name, body))
        position += _CHUNK_HEADER + length + length % 2
    if bitmap is None:
        raise ValueError("no picture")
    if canvas not in (None, bitmap):
        raise ValueError("the canvas is not of the picture's size")
    content = b"WEBP" + b"".join(kept)
    return Essence(_chunk(b"RIFF", content), *bitmap, orientation=orientation)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _chunk(name: bytes, body: bytes) -> bytes:
    """A RIFF chunk, padded to an even number of bytes."""
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _lossy_size(body: bytes) -> tuple[int, int]:
    """Width and height of a VP8 key frame (RFC 6386, section 9.1)."""
    if body[3:6] != b"\x9d\x01\x2a":
        raise ValueError("no key frame")
    return _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF


def _lossless_size(body: bytes) -> tuple[int, int]:
    """Width and height of a VP8L stream (RFC 9649, section 3.4)."""
    if body[:1] != b"\x2f":
        raise ValueError("no lossless stream")
    bits = _little(body[1:5])
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


_SIZES = {b"VP8 ": _lossy_size, b"VP8L": _lossless_size}
