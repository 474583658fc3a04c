"""`python -m models export`: checkpoints in the form that serving reads."""

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from models.checkpoint.card import WEIGHTS_DIR, available, locate
from models.cli.console import usage_error
from models.errors import CheckpointError
from models.export.export import export, exported


def export_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Checkpoints; default: all that are there."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All checkpoints that are there.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="In 8-bit integers, beside the usual export.")
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="For --int8: a table of training images, column path."),
    ] = None,
) -> None:
    """Make the form that serving reads; returns at once where it is up to date.

    Needs torch, and only for what is not made yet. The folder is CACHE_DIR, or
    skin-lesion-dashboard in the user's cache.
    """
    wanted = list(names or [])
    if every or not wanted:
        wanted += [name for name in available() if name not in wanted]
        chosen = os.environ.get("MODEL")
        if chosen and chosen not in wanted:
            wanted.append(chosen)
    if not wanted:
        typer.echo(f"There is no checkpoint in {WEIGHTS_DIR}; nothing to export.", err=True)
    if int8 != (calibration is not None):
        raise usage_error("--int8 and --calibration CSV belong together")
    for name in wanted:
        try:
            if calibration is not None:
                from models.export.int8 import quantise

                typer.echo(f"{name}: {quantise(name, calibration)}")
            else:
                typer.echo(f"{name}: {prepared(name)}")
        except (ValueError, OSError) as error:  # CheckpointError among them
            raise usage_error(error) from None


def prepared(name: str) -> Path:
    """The export of a checkpoint, made now where it is missing and torch is there."""
    found = exported(name)
    if found is not None:
        return found
    locate(name)
    if importlib.util.find_spec("torch") is None:
        raise CheckpointError(
            f"the model {name!r} is not prepared for serving, and torch, which that needs, is "
            f"not installed: run `python -m models export {name}` in an environment of `make run`"
        )
    typer.echo(f"Preparing {name} for serving (once; some seconds)", err=True)
    return export(name)
