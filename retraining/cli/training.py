"""`train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import rich
import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from typer.core import TyperCommand

from retraining.cli.config import print_settings
from retraining.cli.console import commands, errors

if TYPE_CHECKING:
    from retraining.training.config import TrainConfig

app = commands()


class _TrainCommand(TyperCommand):
    """A command whose help goes on with all settings."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Options first, then the settings in groups."""
        super().format_help(ctx, formatter)
        print_settings(rich.get_console())


@app.command(cls=_TrainCommand)
def train(
    out: Annotated[Path, typer.Option(help="Run folder; a stopped run continues.")],
    config: Annotated[
        str | None, typer.Option(help="A shipped recipe (finetune, ...) or a YAML file.")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="Names separated by commas, or all; several get a folder each in --out."),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="imagenet, none, or a checkpoint.")] = None,
    splits: Annotated[str | None, typer.Option(help="Folder of a split.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, key=value; see below.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="For decoded images and features.")] = None,
) -> None:
    """Train networks; Ctrl-C loses one epoch at most."""
    names = [None] if backbone is None else _names(backbone)
    settings = [_settings(config, set_ or [], name, weights, splits) for name in names]
    from models.inference.memory import keep_freed_blocks

    keep_freed_blocks()
    from retraining.training.train import StoppedError, train_several
    from retraining.training.train import train as run

    console = rich.get_console()

    def train_one(one: "TrainConfig", folder: Path) -> None:
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
    from models.registry.backbones import BACKBONES

    return list(BACKBONES) if text == "all" else [name.strip() for name in text.split(",")]


def _settings(
    recipe: str | None,
    overrides: list[str],
    backbone: str | None,
    weights: str | None,
    splits: str | None,
) -> "TrainConfig":
    from retraining.training.config import load_config, load_recipe

    arguments = {"backbone": backbone, "weights": weights, "splits": splits}
    if recipe is None:
        return load_config(None, overrides, **arguments)
    return load_recipe(recipe, overrides, **arguments)
