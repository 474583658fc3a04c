"""PNG: its chunks (W3C PNG specification, third edition)."""

import struct
import zlib

from quality.formats.ifd import exif_orientation
from quality.formats.sanitised import (
    SanitisedImage,
    SeveralPicturesError,
    UnsupportedVariantError,
    require_parts,
)
from quality.limits import MAX_PROFILE_BYTES

_SIGNATURE_SIZE = 8
_CHUNK_OVERHEAD = 12
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DRAWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def sanitise(data: bytes) -> SanitisedImage:
    """The picture of a PNG file, its chunks' checksums verified.

    Raises ValueError where the chunks are damaged or cut off, SeveralPicturesError for an
    animation, UnsupportedVariantError for chunks that a decoder must know and does not.
    """
    kept = [data[:_SIGNATURE_SIZE]]
    header = b""
    exif = b""
    profile: bytes | None = None
    position = _SIGNATURE_SIZE
    parts = 0
    name = b""
    while name != b"IEND":
        parts += 1
        require_parts(parts)
        length = int.from_bytes(data[position : position + 4], "big")
        name = data[position + 4 : position + 8]
        chunk = data[position : position + length + _CHUNK_OVERHEAD]
        if len(chunk) < length + _CHUNK_OVERHEAD:
            raise ValueError("a chunk ends early")
        if not header and name != b"IHDR":
            raise ValueError("no header")
        if name in _DRAWN:
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise ValueError("a checksum is wrong")
            kept.append(chunk)
        elif name[:1].isupper():
            raise UnsupportedVariantError(f"a chunk {name.decode('ascii', 'replace')}")
        if name == b"IHDR":
            header = header or chunk[8:-4]
        elif name == b"eXIf":
            exif = chunk[8:-4]
        elif name == b"iCCP" and profile is None:
            profile = _inflated(chunk[8:-4])
        elif name == b"acTL" and int.from_bytes(chunk[8:12], "big") > 1:
            raise SeveralPicturesError
        position += len(chunk)
    return SanitisedImage(
        b"".join(kept),
        size=(int.from_bytes(header[0:4], "big"), int.from_bytes(header[4:8], "big")),
        coded=_coded(header),
        orientation=exif_orientation(exif),
        exif=exif,
        depth=header[8],
        profile=profile,
    )


def _coded(header: bytes) -> int:
    """Bytes of all samples, at least one each."""
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    return int(width * height * _SAMPLES[colour] * max(1, depth // 8))


def _inflated(body: bytes) -> bytes:
    """The colour profile of an iCCP chunk, up to a byte more than is accepted."""
    _, _, packed = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return b""
