"""Where the commands write: results to standard output, progress and errors to standard error."""

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

console = Console()
errors = Console(stderr=True)


def commands() -> typer.Typer:
    """An empty set of commands that `__main__` adds to its own."""
    return typer.Typer(pretty_exceptions_enable=False)


def progress_bar() -> Progress:
    """A bar with counts and time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
    )


def download_bar() -> Progress:
    """A bar with bytes, speed and time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=errors,
    )
