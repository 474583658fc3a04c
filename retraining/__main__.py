"""`python -m retraining`: prepare data, split it, train, evaluate, promote."""

import errno

import typer

from models.errors import CheckpointError
from retraining.cli import data, trust
from retraining.cli import reports as report
from retraining.cli import training as train
from retraining.cli.console import errors
from retraining.data.index import DataError
from retraining.training.pretrained import WeightsUnavailableError

app = typer.Typer(
    help="From the HAM10000 archives to a checkpoint that the dashboard offers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (data, train, report, trust):
    app.add_typer(part.app)


def main() -> None:
    """Run a command; what the user can mend is one sentence and exit status 2."""
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
