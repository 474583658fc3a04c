"""`python -m retraining`: prepare data, split it, train, evaluate, promote."""

import errno

import typer

from models.errors import CheckpointError, WeightsUnavailableError
from quality.console import pass_any_text
from retraining.cli import config, data, reports, training, trust
from retraining.cli.console import errors
from retraining.data.errors import DataError

app = typer.Typer(
    help="From the HAM10000 archives to a checkpoint that the dashboard offers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (data, training, reports, trust):
    app.add_typer(module.app)
app.add_typer(config.app, name="config", help="Show what a recipe resolves to, or its schema.")


def main() -> None:
    """Run a command; what the user can mend is one sentence and exit status 2."""
    pass_any_text()
    try:
        app()
    except (ValueError, DataError, CheckpointError, WeightsUnavailableError, OSError) as error:
        said = str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            said = "the disk is full; make room and run the command again"
        errors.print(f"error: {said}", style="red", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
