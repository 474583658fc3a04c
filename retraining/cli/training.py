"""`train`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import rich
import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from models.inference.memory import keep_freed_blocks
from models.registry.backbones import BACKBONES
from retraining.cli.console import commands, errors
from retraining.training.config import TrainConfig, load_config

app = commands()


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Run folder; a stopped run continues.")],
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="Names parted by commas, or all; several get a folder each in --out."),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, none, or a checkpoint.")] = None,
    splits: Annotated[str | None, typer.Option(help="Folder of a split.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value")] = None,
    cache: Annotated[Path | None, typer.Option(help="For decoded images and features.")] = None,
) -> None:
    """Train networks; everything about it is a setting, and Ctrl-C loses one epoch at most."""
    names = [None] if backbone is None else _names(backbone)
    settings = [_settings(config, set_ or [], name, weights, splits) for name in names]
    keep_freed_blocks()
    from retraining.training.train import StoppedError, train_several
    from retraining.training.train import train as run

    console = rich.get_console()

    def train_one(one: TrainConfig, folder: Path) -> None:
        if len(settings) > 1:
            console.print(f"{one.backbone} into {folder}", highlight=False, soft_wrap=True)
        run(
            one,
            folder,
            cache or out.parent / "cache",
            lambda line: console.print(line, highlight=False, soft_wrap=True),
            bar=console.is_terminal,
            progress=_FeatureBar(console),
        )

    try:
        if len(settings) == 1:
            train_one(settings[0], out)
        else:
            train_several(settings, out, train_one)
    except StoppedError as stopped:
        errors.print(str(stopped), highlight=False, soft_wrap=True)
        raise typer.Exit(130) from None


class _FeatureBar:
    """A bar for each pass of a frozen backbone over the images; gone when the pass is done."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown: tuple[Progress, TaskID] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.shown is None:
            bar = Progress(console=self.console, transient=True)
            bar.start()
            self.shown = bar, bar.add_task(what, total=total)
        bar, task = self.shown
        bar.update(task, completed=done)
        if done >= total:
            bar.stop()
            self.shown = None


def _names(text: str) -> list[str | None]:
    return list(BACKBONES) if text == "all" else [name.strip() for name in text.split(",")]


def _settings(
    file: Path | None,
    overrides: list[str],
    backbone: str | None,
    weights: str | None,
    splits: str | None,
) -> TrainConfig:
    found = load_config(file, overrides, backbone=backbone, weights=weights, splits=splits)
    if file is not None and not found.recipe:
        found = dataclasses.replace(found, recipe=file.stem)
    return found
