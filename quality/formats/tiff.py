"""TIFF and BigTIFF: the first directory, rewritten with the tags that drawing needs."""

from quality.formats.essence import (
    Essence,
    SeveralPicturesError,
    UnsupportedVariantError,
    require_parts,
)
from quality.formats.ifd import (
    INTEGERS,
    Directory,
    Entry,
    Layout,
    orientation,
    read_directory,
    read_header,
    values,
)

_SUBFILE, _WIDTH, _HEIGHT, _DEPTH = 254, 256, 257, 258
_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_SIZES = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 284, 317, 322, 323, 324
_TILE_SIZES = 325
_SAMPLE_FORMAT = 339

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
_REDUCED_OR_MASK = 0b101
_MAX_DIRECTORIES = 64
_MAX_TILE_PIXELS = 2**26


def read(data: bytes) -> Essence:
    """The picture of a TIFF file.

    Directories after the first that are previews or masks of it are left out. Raises
    SeveralPicturesError for a second page, UnsupportedVariantError for samples that are not
    unsigned integers, ValueError, KeyError and struct.error where the directory is damaged.
    """
    layout, start = read_header(data)
    if layout.big and layout.order == ">":
        # Pillow takes its first directory to be elsewhere.
        raise UnsupportedVariantError("the layout of a big-endian BigTIFF")
    directory = read_directory(data, layout, start)
    _require_one_page(data, layout, directory, start)

    def first(tag: int, default: int | None = None) -> int:
        entry = directory.entries.get(tag)
        if entry is None and default is not None:
            return default
        return values(data, layout, directory.entries[tag], 1)[0]

    if first(_SAMPLE_FORMAT, _UNSIGNED) not in (_UNSIGNED, _UNDEFINED):
        raise UnsupportedVariantError("signed or floating-point samples")
    depth = first(_DEPTH, 1)
    if depth > 16:
        raise UnsupportedVariantError(f"{depth} bits per sample")
    if first(_TILE_WIDTH, 1) * first(_TILE_HEIGHT, 1) > _MAX_TILE_PIXELS:
        raise UnsupportedVariantError(f"a tile of more than {_MAX_TILE_PIXELS} pixels")
    if depth > 8 and first(_SAMPLES, 1) > 1 and first(_PLANAR, 1) != 1:
        # Neither Pillow nor OpenCV reads these right.
        raise UnsupportedVariantError(f"{depth} bits per sample in separate planes")
    width, height = first(_WIDTH), first(_HEIGHT)
    if _TILE_OFFSETS in directory.entries:
        across, down = -(-width // first(_TILE_WIDTH)), -(-height // first(_TILE_HEIGHT))
        offsets, sizes = _TILE_OFFSETS, _TILE_SIZES
    else:
        across, down = 1, -(-height // first(_ROWS_PER_STRIP, height))
        offsets, sizes = _STRIP_OFFSETS, _STRIP_SIZES
    planes = first(_SAMPLES, 1) if first(_PLANAR, 1) == 2 else 1
    _require_whole(
        data,
        layout,
        directory.entries[offsets],
        directory.entries[sizes],
        parts=across * down * planes,
    )
    return Essence(
        _rewrite(data, layout, directory),
        width=width,
        height=height,
        orientation=orientation(data, layout, directory),
        depth=depth,
        white_is_zero=first(_PHOTOMETRIC, 0) == 0,
    )


def _require_one_page(data: bytes, layout: Layout, directory: Directory, start: int) -> None:
    """Raise SeveralPicturesError where a directory after the first is a picture of its own."""
    seen = {0, start}
    while directory.next not in seen:
        if len(seen) > _MAX_DIRECTORIES:
            raise SeveralPicturesError
        seen.add(directory.next)
        directory = read_directory(data, layout, directory.next)
        subfile = directory.entries.get(_SUBFILE)
        if subfile is None or not values(data, layout, subfile, 1)[0] & _REDUCED_OR_MASK:
            raise SeveralPicturesError


def _require_whole(data: bytes, layout: Layout, offsets: Entry, sizes: Entry, parts: int) -> None:
    """Raise ValueError where strips or tiles are missing or end after the file does."""
    require_parts(offsets.count)
    if offsets.count < parts:
        raise ValueError("parts of the picture are missing")
    starts = values(data, layout, offsets, offsets.count)
    lengths = values(data, layout, sizes, offsets.count)
    if any(s + n > len(data) for s, n in zip(starts, lengths, strict=True)):
        raise ValueError("the picture ends early")


def _rewrite(data: bytes, layout: Layout, directory: Directory) -> bytes:
    """The file with one directory, of the tags in `_DRAWN`, at its end."""
    entries = [
        _checked(data, layout, e) for t, e in sorted(directory.entries.items()) if t in _DRAWN
    ]
    padding = b"\0" * (-len(data) % 8)
    start = len(data) + len(padding)
    header_size = 16 if layout.big else 8
    header = data[: header_size - layout.offset_size] + layout.pack(layout.offset, start)
    table = [layout.pack("Q" if layout.big else "H", len(entries))]
    for entry in entries:
        table.append(layout.pack("HH" + layout.offset, entry.tag, entry.type, entry.count))
        table.append(entry.field)
    table.append(layout.pack(layout.offset, 0))
    return header + data[header_size:] + padding + b"".join(table)


def _checked(data: bytes, layout: Layout, entry: Entry) -> Entry:
    """`entry` with its values inside the file, and one value where one is meant."""
    if entry.tag in _ONE_VALUE and entry.count > 1:
        value = layout.pack(INTEGERS[entry.type], *values(data, layout, entry, 1))
        return Entry(entry.tag, entry.type, 1, value.ljust(layout.offset_size, b"\0"))
    if entry.size > layout.offset_size:
        start = layout.unpack(layout.offset, entry.field, 0)[0]
        if start + entry.size > len(data):
            raise ValueError(f"the values of tag {entry.tag} end early")
    return entry
