"""JPEG: the segments before the first scan (ITU-T T.81, annex B)."""

from collections.abc import Iterator

from quality.formats.ifd import exif_orientation
from quality.formats.sanitised import SanitisedImage, UnsupportedVariantError, require_parts
from quality.limits import MAX_SCANS

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# C4, C8 and CC lie in the range of the frame headers and are none.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
_EXIF, _PROFILE = 0xE1, 0xE2
_PROFILE_NAME = b"ICC_PROFILE\0"
_PROFILE_HEAD = len(_PROFILE_NAME) + 2  # number of the part, count of all
# The segments of applications and comments, except APP0 and APP14: those tell the colour space.
_METADATA = frozenset({*range(0xE1, 0xEE), 0xEF, 0xFE})


def sanitise(data: bytes) -> SanitisedImage:
    """The picture of a JPEG file. Of several (MPO), the first, which is the photograph itself.

    Raises ValueError, IndexError where the segments are damaged, UnsupportedVariantError for
    more than `MAX_SCANS` scans.
    """
    kept = [data[:2]]
    frame: tuple[int, bytes] | None = None
    orientation: int | None = None
    profile: dict[int, bytes] = {}
    for marker, start, end in _segments(data):
        body = data[start + 4 : end]
        if marker == _START_OF_SCAN:
            break
        if marker in _FRAMES and frame is None:
            frame = marker, body
        if marker == _EXIF and orientation is None and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body)
        if marker == _PROFILE and body.startswith(_PROFILE_NAME) and len(body) > _PROFILE_HEAD:
            profile.setdefault(body[_PROFILE_HEAD - 2], body[_PROFILE_HEAD - 1 :])
        if marker not in _METADATA:
            kept.append(data[start:end])
    if frame is None:
        raise ValueError("no frame header")
    # One scan is enough where it holds as many components as the frame does.
    several_scans = frame[0] in _PROGRESSIVE or body[0] < frame[1][5]
    if several_scans and data.count(b"\xff\xda", end) >= MAX_SCANS:
        raise UnsupportedVariantError(f"more than {MAX_SCANS} scans")
    return SanitisedImage(
        b"".join([*kept, data[start:]]),
        size=(int.from_bytes(frame[1][3:5], "big"), int.from_bytes(frame[1][1:3], "big")),
        orientation=orientation or 1,
        profile=_joined(profile),
    )


def _joined(profile: dict[int, bytes]) -> bytes | None:
    """A colour profile from its parts by number, each after the count of all (ICC.1:2022, B.4)."""
    if not profile:
        return None
    count = next(iter(profile.values()))[0]
    if count != len(profile) or max(profile) != count:
        return b""
    return b"".join(profile[number][1:] for number in sorted(profile))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment up to the first scan's header, which is the last."""
    marker = 0
    position = 2
    parts = 0
    while marker != _START_OF_SCAN:
        parts += 1
        require_parts(parts)
        # Other bytes before a marker are skipped, as decoders do; FF may be repeated.
        position = data.index(b"\xff", position)
        while data[position] == 0xFF:
            position += 1
        marker = data[position]
        position += 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _END_OF_IMAGE:
            raise ValueError("no scan")
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise ValueError("a segment ends early")
        yield marker, position - 2, position + length
        position += length
