"""`python -m retraining`: prepare data, split it, train, evaluate, promote."""

import typer

from retraining.cli import config, data, reports, training, trust
from retraining.cli.console import run

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
    run(app)


if __name__ == "__main__":
    main()
