"""Files that commands write, whole or not at all: others see the old file or the new one."""

import csv
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from quality.formats import is_picture
from quality.names import printable

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Letters with which a text begins that spreadsheet programs calculate, those of full width too."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it into place if the block ends well.

    Folders on the way are made. The file is readable by all (0644), whatever the umask, since
    what is written here is a result that others read. A pipe or a device is yielded itself: in its
    place, a file would take it from everybody.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "table.csv")) as temporary:
        ...         _ = temporary.write_text("file,verdict")
        ...     [file.name for file in Path(folder).iterdir()]
        ['table.csv']
    """
    if _is_device(path):
        yield path
        return
    path = Path(os.path.realpath(path))  # a link to a file stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    # A long name has no room for what makes it another one.
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem[:40]}-", suffix=path.suffix[-20:], dir=path.parent
    )
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


def write_csv(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, bom: bool = False
) -> None:
    """Write `rows` below a header, UTF-8, whole or not at all; to a pipe or a device directly.

    Every table of a command or page is written here, each cell as `cell` gives it.

    bom: begin with a byte-order mark, without which spreadsheet programs guess another encoding.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: a row has a key that is not among `columns`.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file,
    ):
        put_csv(file, columns, rows)


def put_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Put `rows` below a header into an open file, each cell as `cell` gives it."""
    file.writelines(csv_lines(columns, rows))


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    r"""The lines of a table, each cell as `cell` gives it.

    Raises:
        ValueError: a row has a key that is not among `columns`.

    Examples:
        >>> list(csv_lines(["file", "n"], [{"file": "a,b", "n": 1}]))
        ['file,n\r\n', '"a,b",1\r\n']
    """
    writer = csv.DictWriter(_Line(), columns)
    yield writer.writeheader()
    for row in rows:
        yield writer.writerow({key: cell(value) for key, value in row.items()})


class _Line:
    """Where a writer of tables writes to, which gives each line back."""

    def write(self, line: str) -> str:
        return line


def partial(path: Path) -> Path:
    """Where the rows of a table stay that was not finished; of a pipe or a device, itself.

    A number keeps what an earlier run left there.

    Examples:
        >>> partial(Path("out/table.csv")).name
        'table.partial.csv'
    """
    if _is_device(path):
        return path
    for count in itertools.count(1):
        number = f"-{count}" if count > 1 else ""
        found = path.with_suffix(f".partial{number}{path.suffix}")
        if not found.exists():
            return found
    raise AssertionError("unreachable")


def require_writable(path: Path) -> None:
    """Raise ValueError, a sentence about `--csv`, where no table could be written to `path`.

    To be asked before hours of work, not after.
    """
    if _is_device(path):
        return
    if path.is_file():
        with path.open("rb") as file:
            if is_picture(file.read(1024)):
                raise ValueError(f"--csv: {printable(path)} is a picture, no table replaces it")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise ValueError(f"--csv: the folder of {printable(path)} does not exist")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"--csv: the folder of {printable(path)} cannot be written to: {error.strerror}"
        ) from None


def cell(value: Any) -> Any:
    r"""A value as it stands in a table: numbers stay numbers, and no text is a formula.

    A text that a spreadsheet program would calculate gets an apostrophe before it. Bytes of a
    file's name that are no UTF-8 become escapes: one such name would make the whole table
    unreadable.

    Examples:
        >>> [cell(value) for value in (-1.5, True, None, "=1+1", "caf\udce9.png", "nv")]
        [-1.5, 'true', '', "'=1+1", 'caf\\xe9.png', 'nv']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return f"'{text}" if text.startswith(FORMULA) else text


def _is_device(path: Path) -> bool:
    """Whether `path` is a pipe, a terminal or the like, which cannot be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def sweep(folder: Path) -> None:
    """Remove what `replacing` of a process that was killed has left in `folder`."""
    for left in folder.glob(".*-????????.*"):
        left.unlink(missing_ok=True)
