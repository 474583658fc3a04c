"""JPEG: the segments before the first scan (ITU-T T.81, annex B)."""

from quality.formats.essence import Essence, UnsupportedVariantError, require_parts
from quality.formats.ifd import exif_orientation

MAX_SCANS = 100
"""Most scans of a progressive file; encoders make about ten.

Each scan costs a pass over the whole picture and may take only some bytes: without a limit, a
small file keeps a processor busy for minutes.
"""

_START_OF_SCAN = 0xDA
_END = 0xD9
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_COMMENT = 0xFE
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
# C4, C8 and CC lie in the range of the frame headers and are none.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def read(data: bytes) -> Essence:
    """The picture of a JPEG file. Of several (MPO), the first, which is the photograph itself.

    Raises ValueError, IndexError where the segments are damaged.
    """
    kept = [data[:2]]
    size: tuple[int, int] | None = None
    orientation: int | None = None
    position = 2
    parts = 0
    while True:
        # Any bytes before a marker are skipped, as decoders do.
        position = data.index(b"\xff", position)
        while data[position] == 0xFF:
            position += 1
        marker = data[position]
        position += 1
        parts += 1
        require_parts(parts)
        if marker == 0 or marker in _WITHOUT_LENGTH:
            continue
        if marker == _START_OF_SCAN:
            break
        if marker == _END:
            raise ValueError("no scan")
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + length]
        if length < 2 or len(body) != length - 2:
            raise ValueError("a segment ends early")
        if marker in _FRAMES and size is None:
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
        if marker == _APP1 and orientation is None and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body)
        # APP0 and APP14 tell the colour space; the other applications' segments are metadata.
        if not (_APP0 < marker < _APP14 or marker in (_APP15, _COMMENT)):
            kept.append(b"\xff" + data[position - 1 : position + length])
        position += length
    if size is None:
        raise ValueError("no frame header")
    if data.count(b"\xff\xda", position) >= MAX_SCANS:
        raise UnsupportedVariantError(f"more than {MAX_SCANS} scans")
    kept.append(b"\xff" + data[position - 1 :])
    return Essence(b"".join(kept), *size, orientation=orientation or 1)
