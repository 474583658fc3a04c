"""Files that commands write, whole or not at all: others see the old file or the new one."""

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place if the block ends well.

    Folders on the way are made. The file is readable by all (0644), whatever the umask, since
    what is written here is a result that others read.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with replacing(folder / "table.csv") as temporary:
        ...     _ = temporary.write_text("file,verdict")
        >>> [file.name for file in folder.iterdir()]
        ['table.csv']
    """
    path = path.resolve()  # a link to a file stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write `rows` below a header, UTF-8, whole or not at all; to a pipe or a device directly.

    File names may hold bytes that are not UTF-8; they are written back as they are.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: a row has a key that is not among `columns`.
    """
    if path.exists() and not path.is_file():  # a pipe or a terminal cannot be replaced
        _write_csv(path, columns, rows)
        return
    with replacing(path) as temporary:
        _write_csv(temporary, columns, rows)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def sweep(folder: Path) -> None:
    """Remove what `replacing` of a process that was killed has left in `folder`."""
    for left in folder.glob(".*-????????.*"):
        left.unlink(missing_ok=True)
