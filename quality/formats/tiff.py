"""TIFF and BigTIFF: the first directory, rewritten with the tags that drawing needs."""

from dataclasses import replace

from quality.formats import jpeg
from quality.formats.ifd import Entry, TagFile
from quality.formats.sanitised import (
    SanitisedImage,
    SeveralPicturesError,
    UnsupportedVariantError,
    require_parts,
)

_SUBFILE, _WIDTH, _HEIGHT, _DEPTH = 254, 256, 257, 258
_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_SIZES = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 284, 317, 322, 323, 324
_TILE_SIZES = 325
_SAMPLE_FORMAT, _PROFILE = 339, 34675

_ONE_VALUE = frozenset({
    _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _ROWS_PER_STRIP,
    _PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT,
})  # fmt: skip
# Besides the named ones: 292, 293 fax options, 320 colour map, 338 extra samples,
# 347 JPEG tables, 512-521 old JPEG, 529-532 YCbCr.
_DRAWN = _ONE_VALUE | {
    _DEPTH, _STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES, _SAMPLE_FORMAT,
    292, 293, 320, 338, 347, *range(512, 522), *range(529, 533),
}  # fmt: skip

_UNSIGNED, _UNDEFINED = 1, 4
# None, CCITT, LZW, JPEG, Deflate, Packbits, LZMA and Zstandard: whose cost is bounded by what goes
# in and what comes out.
_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32946, 34925, 50000})
_JPEG = 7
_REDUCED_OR_MASK = 0b101
_MAX_DIRECTORIES = 64


def sanitise(data: bytes) -> SanitisedImage:
    """The picture of a TIFF file.

    Directories after the first that are previews or masks of it are left out. Raises
    SeveralPicturesError for a second page, UnsupportedVariantError for samples that are not
    unsigned integers, ValueError, KeyError and struct.error where the directory is damaged.
    """
    file = TagFile(data)
    if file.big and file.order == ">":
        # Pillow takes its first directory to be elsewhere.
        raise UnsupportedVariantError("the layout of a big-endian BigTIFF")
    entries, following = file.directory(file.first)
    _require_one_page(file, following)

    def first(tag: int, default: int | None = None) -> int:
        if tag not in entries and default is not None:
            return default
        return file.values(entries[tag], 1)[0]

    if first(_SAMPLE_FORMAT, _UNSIGNED) not in (_UNSIGNED, _UNDEFINED):
        raise UnsupportedVariantError("signed or floating-point samples")
    depth = first(_DEPTH, 1)
    if depth > 16:
        raise UnsupportedVariantError(f"{depth} bits per sample")
    compression = first(_COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        raise UnsupportedVariantError(f"the compression {compression}")
    if depth > 8 and first(_SAMPLES, 1) > 1 and first(_PLANAR, 1) != 1:
        # Neither Pillow nor OpenCV reads these right.
        raise UnsupportedVariantError(f"{depth} bits per sample in separate planes")
    width, height = first(_WIDTH), first(_HEIGHT)
    if _TILE_OFFSETS in entries:
        across, down = -(-width // first(_TILE_WIDTH)), -(-height // first(_TILE_HEIGHT))
        # Tiles at the edge are coded whole, and may be much larger than the picture.
        area = across * first(_TILE_WIDTH) * down * first(_TILE_HEIGHT)
        offsets, sizes = _TILE_OFFSETS, _TILE_SIZES
    else:
        across, down = 1, -(-height // first(_ROWS_PER_STRIP, height))
        area = width * height
        offsets, sizes = _STRIP_OFFSETS, _STRIP_SIZES
    planes = first(_SAMPLES, 1) if first(_PLANAR, 1) == 2 else 1
    parts = _parts(file, entries[offsets], entries[sizes], least=across * down * planes)
    if compression == _JPEG:
        _require_one_pass(parts, components=first(_SAMPLES, 1))
    return SanitisedImage(
        _rewrite(file, {tag: entry for tag, entry in entries.items() if tag in _DRAWN}),
        size=(width, height),
        coded=area * first(_SAMPLES, 1) * (2 if depth > 8 else 1),
        orientation=file.orientation(entries),
        exif=data,
        depth=depth,
        white_is_zero=first(_PHOTOMETRIC, 0) == 0,
        profile=file.raw(entries[_PROFILE]) if _PROFILE in entries else None,
    )


def _require_one_page(file: TagFile, following: int) -> None:
    """Raise SeveralPicturesError where a directory after the first is a picture of its own."""
    seen = {0, file.first}
    while following not in seen:
        if len(seen) > _MAX_DIRECTORIES:
            raise SeveralPicturesError
        seen.add(following)
        entries, following = file.directory(following)
        subfile = entries.get(_SUBFILE)
        if subfile is None or not file.values(subfile, 1)[0] & _REDUCED_OR_MASK:
            raise SeveralPicturesError


def _parts(file: TagFile, offsets: Entry, sizes: Entry, least: int) -> list[memoryview]:
    """The strips or tiles; ValueError where some are missing, end after the file or overlap."""
    require_parts(offsets.count)
    if offsets.count < least:
        raise ValueError("parts of the picture are missing")
    starts = file.values(offsets, offsets.count)
    lengths = file.values(sizes, offsets.count)
    if any(s + n > len(file.data) for s, n in zip(starts, lengths, strict=True)):
        raise ValueError("the picture ends early")
    if sum(lengths) > len(file.data):
        # A decoder may go through all of a part and get nothing from it, for each part again.
        raise ValueError("parts of the picture share their bytes")
    data = memoryview(file.data)
    return [data[s : s + n] for s, n in zip(starts, lengths, strict=True)]


def _require_one_pass(parts: list[memoryview], components: int) -> None:
    """Raise UnsupportedVariantError where a JPEG strip or tile is scanned again and again."""
    for part in parts:
        # The two bytes stand in other places, too, so only many of them are looked at.
        stream = bytes(part)
        if stream.count(jpeg.SCAN) > components and jpeg.count_scans(stream) > components:
            raise UnsupportedVariantError("JPEG compression of several scans")


def _rewrite(file: TagFile, entries: dict[int, Entry]) -> bytes:
    """The file with one directory, of these entries, at its end."""
    table = [file.pack(file.count, len(entries))]
    for tag, entry in sorted(entries.items()):
        # Pillow warns of further values where one is meant.
        table.append(file.packed(tag, replace(entry, count=1) if tag in _ONE_VALUE else entry))
    table.append(file.pack(file.offset, 0))
    start = -(-len(file.data) // 8) * 8
    link = 8 if file.big else 4
    head = file.data[:link] + file.pack(file.offset, start)
    return b"".join([head, file.data[len(head) :].ljust(start - len(head), b"\0"), *table])
