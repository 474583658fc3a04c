"""Where the commands write: results to standard output, progress and errors to standard error."""

import errno
from collections.abc import Callable

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

from models.errors import CheckpointError, WeightsUnavailableError
from quality.console import pass_any_text
from retraining.data.errors import DataError

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


def run(app: Callable[[], object]) -> None:
    """Run the command `app`; what the user can mend is one sentence and exit status 2."""
    pass_any_text()
    try:
        app()
    except (ValueError, DataError, CheckpointError, WeightsUnavailableError, OSError) as error:
        said = str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            said = "the disk is full; make room and run the command again"
        errors.print(f"error: {said}", style="red", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(2) from None
