"""What the commands share: errors on standard error, names of files that any terminal prints."""

import typer
from rich.console import Console

EXIT_SOME_FAILED, EXIT_USAGE = 1, 2


def error_console() -> Console:
    """Standard error, without colours for what looks like a number or a path."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def usage_error(message: object) -> typer.Exit:
    """Print why a command cannot be carried out; raise what is returned."""
    error_console().print(str(message), markup=False)
    return typer.Exit(EXIT_USAGE)


def printable(name: str) -> str:
    """A file's name, bytes in it that are no UTF-8 replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
