"""Pictures on disk: which files a list of paths means, which it leaves out, reading one of them."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.decoding import Decoded, decode_with_notes, too_many_bytes
from quality.errors import ImageTooLargeError
from quality.formats import ACCEPTED
from quality.limits import DEFAULT_LIMITS, Limits

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings, in lower case, by which a picture is recognised inside a folder."""

NOTE_SUFFIXES = frozenset(
    {".csv", ".db", ".htm", ".html", ".ini", ".json", ".jsonl", ".log", ".md", ".npy", ".toml"}
    | {".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml"}
)
"""Endings, in lower case, of tables, notes and settings, which nobody takes for pictures."""

NAMED = 3
"""How many of the files that are left out are named."""


def read(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """The picture alone of `read_with_notes`, for those who show no notes.

    Examples:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
        ...     Image.new("L", (4, 3), 128).save(file.name)
        ...     read(file.name)[0, 0].tolist()
        [128, 128, 128]
    """
    return read_with_notes(path, limits).image


def read_with_notes(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode the picture at `path` to 8-bit sRGB, with notes about the file.

    Raises ImageError as `decode_with_notes` does, and OSError where the file cannot be opened.
    """
    with Path(path).open("rb") as file:
        # One byte more than allowed tells a file that is too large without reading all of it.
        data = file.read(limits.max_bytes + 1)
        if len(data) > limits.max_bytes:
            raise ImageTooLargeError(too_many_bytes(file.seek(0, os.SEEK_END), limits))
    return decode_with_notes(data, limits)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """The picture files that `paths` mean, each once, in a stable order.

    A file named itself is always included, whatever its ending. A folder gives the files below
    it, at any depth, that end in one of `IMAGE_SUFFIXES`, sorted; not those whose names begin
    with a dot, as the companions do that some systems put beside pictures. Raises
    FileNotFoundError for a path that does not exist.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.JPG", "a.png", "list.csv", ".c.png"):
        ...         Path(folder, name).touch()
        ...     [path.name for path in find_images([folder])]
        ['a.png', 'b.JPG']
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found.update(dict.fromkeys(sorted(filter(_is_picture, path.rglob("*")))))
        elif path.exists():
            found[path] = None
        else:
            raise FileNotFoundError(f"no such file or folder: {path}")
    return list(found)


def find_others(paths: Iterable[str | Path]) -> list[Path]:
    """The files below the folders among `paths` that `find_images` leaves out, each once, sorted.

    Not those that nobody expects to be read: hidden files, what lies in hidden folders, and files
    that end in one of `NOTE_SUFFIXES`; nor files that `paths` name themselves.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("a.png", "b.heic", "list.csv"):
        ...         Path(folder, name).touch()
        ...     [path.name for path in find_others([folder])]
        ['b.heic']
    """
    named = [Path(path) for path in paths]
    found: dict[Path, None] = {}
    for folder in filter(Path.is_dir, named):
        found.update((path, None) for path in sorted(folder.rglob("*")) if _is_other(path, folder))
    return [path for path in found if path not in named]


def left_out(paths: Iterable[str | Path]) -> str:
    """One sentence about what `find_others` finds, for people; empty where that is nothing.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "b.heic").touch()
        ...     left_out([folder]).replace(folder, "FOLDER")
        '1 file is no picture by its ending (JPEG, PNG, WebP, TIFF or BMP is accepted) and was \
left out: FOLDER/b.heic'
    """
    others = find_others(paths)
    if not others:
        return ""
    # File names are bytes; those that are no UTF-8 are shown with escapes.
    names = [os.fsencode(path).decode("utf-8", "backslashreplace") for path in others[:NAMED]]
    if len(others) == 1:
        start, end = "1 file is no picture by its ending", "was left out"
    else:
        start, end = f"{len(others)} files are no pictures by their endings", "were left out"
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return f"{start} ({ACCEPTED} is accepted) and {end}: {', '.join(names)}{more}"


def _is_other(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    expected = path.suffix.lower() in IMAGE_SUFFIXES | NOTE_SUFFIXES
    return not hidden and not expected and path.is_file()


def _is_picture(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
