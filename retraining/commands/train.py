"""`train`."""

from pathlib import Path
from typing import Annotated

import typer

from retraining.commands.console import commands, console
from retraining.config import load_config

app = commands()


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Run folder; a stopped run continues.")],
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    backbone: Annotated[str | None, typer.Option(help="See `python -m models list`.")] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, none, or a checkpoint.")] = None,
    splits: Annotated[str | None, typer.Option(help="Folder of a split.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value")] = None,
    cache: Annotated[Path | None, typer.Option(help="For decoded images.")] = None,
) -> None:
    """Train a network; everything about it is a setting."""
    from retraining.train import train as run

    settings = load_config(config, set_ or [], backbone=backbone, weights=weights, splits=splits)
    run(settings, out, cache or out.parent / "cache", report=console.log)
