"""`python -m models`: list backbones and checkpoints, prepare them for serving, classify files."""

import typer

from models.cli.exporting import export_models
from models.cli.listing import list_models
from models.cli.predicting import EPILOG, predict
from quality.console import run

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Backbones, checkpoints and classification.",
)
app.command("list")(list_models)
app.command("export")(export_models)
app.command("predict", epilog=EPILOG)(predict)

if __name__ == "__main__":
    run(app)
