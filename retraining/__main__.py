"""`python -m retraining`: prepare data, split it, train, evaluate, promote."""

import typer

from models.checkpoints import CheckpointError
from retraining.commands import data, report, train
from retraining.commands.console import errors
from retraining.data import DataError
from retraining.pretrained import WeightsUnavailableError

app = typer.Typer(
    help="From the HAM10000 archives to a checkpoint that the dashboard offers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (data, train, report):
    app.add_typer(part.app)


def main() -> None:
    """Run a command; what the user can mend is one sentence and exit status 2."""
    try:
        app()
    except (ValueError, DataError, CheckpointError, WeightsUnavailableError, OSError) as error:
        errors.print(f"error: {error}", style="red", highlight=False)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
