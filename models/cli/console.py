"""What the commands share: how they refuse."""

import typer

from quality.console import EXIT_USAGE, error_console


def usage_error(message: object) -> typer.Exit:
    """Print why a command cannot be carried out; raise what is returned."""
    error_console().print(str(message), markup=False)
    return typer.Exit(EXIT_USAGE)
