"""Pictures on disk: which files are meant by a list of paths, and reading one of them."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.decoding import decode, too_many_bytes
from quality.errors import ImageTooLargeError
from quality.limits import DEFAULT_LIMITS, Limits

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings, in lower case, by which a picture is recognised inside a folder."""


def read(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode the picture at `path` to RGB: uint8 (H, W, 3), C-contiguous.

    Raises ImageError as `decode` does, and OSError where the file cannot be opened.
    """
    with Path(path).open("rb") as file:
        # One byte more than allowed tells a file that is too large without reading all of it.
        data = file.read(limits.max_bytes + 1)
        if len(data) > limits.max_bytes:
            raise ImageTooLargeError(too_many_bytes(file.seek(0, os.SEEK_END), limits))
    return decode(data, limits)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """The picture files that `paths` mean, each once, in a stable order.

    A file named itself is always included, whatever its ending. A folder gives the files below
    it, at any depth, that end in one of `IMAGE_SUFFIXES`, sorted; not those whose names begin
    with a dot, as the companions do that some systems put beside pictures. Raises
    FileNotFoundError for a path that does not exist.
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


def _is_picture(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
