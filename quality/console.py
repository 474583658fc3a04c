"""What all commands share: streams that any text passes, tables, how they end."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from quality.names import printable
from quality.output import partial, put_csv, write_csv

EXIT_SOME_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write a table there.", dir_okay=False),
]
Bom = Annotated[
    bool,
    typer.Option("--bom", help="Begin the table with a byte-order mark, for spreadsheet programs."),
]


def run(app: Callable[..., Any], **options: Any) -> None:
    """Run the command `app`; every `__main__` calls it.

    What ends a command from outside (a closed terminal, `kill`) interrupts it as Ctrl-C does, so
    that it can keep what is done.
    """
    pass_any_text()
    for name in ("SIGHUP", "SIGTERM"):
        number = getattr(signal, name, None)
        # Who ignores it (`nohup`) means it.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    app(**options)


def pass_any_text() -> None:
    """Let standard output and error write escapes for what their encoding has no letter for.

    A terminal or a file in cp1252, or a name that is no text, must not end a command.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def error_console() -> Console:
    """Standard error, without colours for what looks like a number or a path, and unwrapped."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def saving(
    path: Path | None,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    bom: bool = False,
) -> Iterator[None]:
    """Write `rows`, which the block fills, as the table `path` when the block ends well.

    Where it is interrupted or fails, the rows that are there go into the table's `partial`
    neighbour: `path` is never a part, and what is done is not lost. An interrupt ends the command
    with EXIT_INTERRUPTED. A table that cannot be written, on a full disk, goes to standard output,
    and ends it with EXIT_USAGE. `path` None: no table.
    """
    said = error_console()
    try:
        yield
        if path is not None:
            _written(path, columns, rows, bom, said)
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        if isinstance(error, typer.Exit) or not (path or interrupted):
            raise
        kept = "nothing was written"
        if path is not None and rows:
            beside = partial(path)
            _written(beside, columns, rows, bom, said)
            kept = f"what is done, {len(rows)} rows, is in {printable(beside)}"
        if not interrupted:
            said.print(f"Failed; {kept}.", markup=False)
            raise
        said.print(f"Interrupted; {kept}." if path else "Interrupted.", markup=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _written(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], bom: bool, said: Console
) -> None:
    try:
        write_csv(path, columns, rows, bom=bom)
    except OSError as error:
        why = f"The table {printable(path)} cannot be written: {error.strerror or error}"
        said.print(f"{why}; so that nothing is lost, it follows here.", markup=False)
        put_csv(sys.stdout, columns, rows)
        raise typer.Exit(EXIT_USAGE) from None
