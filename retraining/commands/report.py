"""`evaluate` and `promote`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models.checkpoints import WEIGHTS_DIR
from retraining.commands.console import commands, console

app = commands()


@app.command()
def evaluate(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    split: Annotated[str, typer.Option(help="The part to score: test or val.")] = "test",
    size: Annotated[int | None, typer.Option(help="Input size; default: chosen on val.")] = None,
    cache: Annotated[Path | None, typer.Option(help="For decoded images.")] = None,
) -> None:
    """Score runs on a part of their split, with 95 % intervals over lesions."""
    from retraining.evaluate import evaluate_run

    for run in runs:
        metrics = evaluate_run(run, split, cache or run.parent / "cache", size)
        table = Table(title=f"{run.name}, {split}, n = {metrics[0]['n']}")
        for column in ("metric", "value", "95 % low", "95 % high"):
            table.add_column(column, justify="left" if column == "metric" else "right")
        for row in metrics:
            table.add_row(row["metric"], *(f"{row[k]:.3f}" for k in ("value", "low", "high")))
        console.print(table)


@app.command()
def promote(
    run: Annotated[Path, typer.Argument(help="An evaluated run folder.")],
    name: Annotated[str | None, typer.Option(help="Default: the backbone's name.")] = None,
    root: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = WEIGHTS_DIR,
) -> None:
    """Make a checkpoint of a run, which the dashboard then offers."""
    from retraining.promote import promote_run

    console.print(str(promote_run(run, root, name)))
