"""Pictures on disk: reading one of them, within the limits."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.decoding import Decoded, decode_with_notes, too_many_bytes
from quality.errors import ImageError, ImageTooLargeError
from quality.limits import DEFAULT_LIMITS, Limits


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

    Raises ImageError as `decode_with_notes` does, and OSError as `read_bytes` does.
    """
    return decode_with_notes(read_bytes(path, limits), limits)


def why_unread(error: Exception) -> str:
    """Why a file has no result, as a sentence for its row.

    What nobody foresaw is among the reasons: one file never costs the others theirs.

    Examples:
        >>> why_unread(PermissionError(13, "Permission denied"))
        'It cannot be read: Permission denied.'
        >>> why_unread(MemoryError())
        'It could not be processed (MemoryError).'
    """
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, OSError):
        return f"It cannot be read: {error.strerror or error}."
    return (
        f"It could not be processed ({': '.join([type(error).__name__, *map(str, error.args)])})."
    )


def read_bytes(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The content of the file at `path`, or of a pipe.

    Raises:
        ImageTooLargeError: it has more bytes than allowed; no more than that are read.
        OSError: it cannot be opened, is a folder, or is a device, which might never end.
    """
    path = Path(path)
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        os.scandir(path).close()  # a folder that cannot be entered says why
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        raise OSError(errno.EINVAL, "It is a device, not a file", str(path))
    with path.open("rb") as file:
        # One byte more than allowed tells a file that is too large without reading all of it.
        data = file.read(limits.max_bytes + 1)
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(max(status.st_size, len(data)), limits))
    return data
