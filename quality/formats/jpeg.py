"""JPEG: the segments before the first scan (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from quality.formats.ifd import exif_orientation
from quality.formats.sanitised import SanitisedImage, UnsupportedVariantError, require_parts
from quality.limits import MAX_SCANS

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# C4, C8 and CC lie in the range of the frame headers and are none.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN, _PROGRESSIVE = frozenset({0xC0, 0xC1, 0xC2}), 0xC2
SCAN, _END = b"\xff\xda", b"\xff\xd9"
_OTHER_TAIL = b"\xb5\x6a\xd3" * 50
# Not the pairs that stand among a scan's data: FF itself, and the marks to restart at.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd8]")
_EXIF, _PROFILE = 0xE1, 0xE2
_PROFILE_NAME = b"ICC_PROFILE\0"
_PROFILE_HEAD = len(_PROFILE_NAME) + 2  # number of the part, count of all
# The segments of applications and comments, except APP0 and APP14: those tell the colour space.
_METADATA = frozenset({*range(0xE1, 0xEE), 0xEF, 0xFE})


def sanitise(data: bytes) -> SanitisedImage:
    """The picture of a JPEG file. Of several (MPO), the first, which is the photograph itself.

    Raises ValueError, IndexError, struct.error where the segments are damaged,
    UnsupportedVariantError for more than `MAX_SCANS` scans and for arithmetic or lossless coding.
    """
    kept = [data[:2]]
    frame: _Frame | None = None
    exif = b""
    profile: dict[int, bytes] = {}
    begin = scans = scanned = 0
    coarse: set[tuple[int, int]] = set()
    ended = False
    for marker, start, end in _segments(data):
        body = data[start + 4 : end]
        if marker == _END_OF_IMAGE:
            ended = True
        elif marker == _START_OF_SCAN:
            if frame is None:
                raise ValueError("no frame header")
            scans += 1
            names = body[1 : 1 + 2 * body[0] : 2]
            scanned += frame.samples(names)
            first, last, bits = body[1 + 2 * body[0] : 4 + 2 * body[0]]
            told = {(name, number) for name in names for number in range(first, last + 1)}
            if not begin:
                begin = start
                coarse = {(name, number) for name in frame.components for number in range(64)}
            coarse = coarse | told if bits & 15 else coarse - told
            # One scan is enough where it holds as many components as the frame does.
            if not frame.progressive and body[0] >= len(frame.components):
                ended = data.find(_END, end) > 0
                break
            if scans > MAX_SCANS:
                raise UnsupportedVariantError(f"more than {MAX_SCANS} scans")
        elif not begin:
            if marker in _FRAMES and frame is None:
                frame = _Frame.read(marker, body)
            if marker == _EXIF and not exif and body.startswith(b"Exif\0\0"):
                exif = body
            if marker == _PROFILE and body.startswith(_PROFILE_NAME) and len(body) > _PROFILE_HEAD:
                profile.setdefault(body[_PROFILE_HEAD - 2], body[_PROFILE_HEAD - 1 :])
            if marker not in _METADATA:
                kept.append(data[start:end])
    if frame is None or not begin:
        raise ValueError("no scan")
    if not ended and coarse:
        raise ValueError("the scans that refine the picture are missing")
    return SanitisedImage(
        b"".join([*kept, data[begin:]]),
        size=(frame.width, frame.height),
        coded=frame.width * frame.height * len(frame.components),
        scanned=scanned if ended else 2 * scanned,  # since it is decoded twice
        orientation=exif_orientation(exif),
        exif=exif,
        profile=_joined(profile),
        ended=ended,
    )


def tails(data: bytes) -> tuple[bytes, bytes]:
    """A JPEG file without the mark of its end, ended in two ways.

    Where some of the picture is missing, a decoder makes it up from what follows, so that it is
    another picture for each. The first bit that it would read differs already.
    """
    whole = data.rstrip(b"\0")  # what a card that was pulled out too early leaves
    if whole.endswith(b"\xff"):
        # A byte of the scan is followed by a zero; without one, it is half of the mark.
        whole = whole + b"\0" if len(whole) < len(data) else whole.rstrip(b"\xff")
    return whole + _END, whole + _OTHER_TAIL + _END


def count_scans(data: bytes) -> int:
    """How many scans a JPEG stream has."""
    return sum(marker == _START_OF_SCAN for marker, _, _ in _segments(data))


@dataclass(frozen=True)
class _Frame:
    """A frame header (T.81, B.2.2); `components`: sampling factors, H and V, by identifier."""

    progressive: bool
    width: int
    height: int
    components: dict[int, tuple[int, int]]

    @classmethod
    def read(cls, marker: int, body: bytes) -> "_Frame":
        if marker not in _HUFFMAN:
            raise UnsupportedVariantError("arithmetic or lossless coding")
        _, height, width, count = struct.unpack_from(">BHHB", body)
        table = struct.iter_unpack("BBB", body[6 : 6 + 3 * count])
        components = {name: (factors >> 4, factors & 15) for name, factors, _ in table}
        if any(0 in factors for factors in components.values()):
            raise ValueError("a sampling factor of 0")
        return cls(marker == _PROGRESSIVE, width, height, components)

    def samples(self, names: bytes) -> int:
        """How many samples a scan of these components goes through."""
        across = max(h for h, _ in self.components.values())
        down = max(v for _, v in self.components.values())
        found = [self.components[name] for name in names if name in self.components]
        # Whole units of 8 x 8 samples, as many as the factors say.
        area = (self.width + 8 * across) * (self.height + 8 * down)
        return sum(area * h * v // (across * down) for h, v in found)


def _joined(profile: dict[int, bytes]) -> bytes | None:
    """A colour profile from its parts by number, each after the count of all (ICC.1:2022, B.4)."""
    if not profile:
        return None
    count = next(iter(profile.values()))[0]
    if count != len(profile) or max(profile) != count:
        return b""
    return b"".join(profile[number][1:] for number in sorted(profile))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment; the end of the image is the last."""
    position = 2
    parts = 0
    while True:
        parts += 1
        require_parts(parts)
        # Other bytes before a marker are skipped, as decoders do; FF may be repeated.
        found = _MARKER.search(data, position)
        if found is None:
            return
        position = found.end()
        marker = data[position - 1]
        if marker == _END_OF_IMAGE:
            yield marker, position - 2, position
            return
        if marker == 1:  # TEM has no length
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise ValueError("a segment ends early")
        yield marker, position - 2, position + length
        position += length
