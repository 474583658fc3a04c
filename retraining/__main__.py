"""`python -m retraining`: prepare data, split it, train, evaluate, promote."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.checkpoints import WEIGHTS_DIR, CheckpointError
from retraining.config import load_config
from retraining.data import INDEX_FILE, DataError, load_index
from retraining.data import prepare as prepare_data
from retraining.pretrained import WeightsUnavailableError
from retraining.splits import counts, grouped_split, load_split, split_hash, write_split

app = typer.Typer(
    help="From the HAM10000 archives to a checkpoint that the dashboard offers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Folder with the archives as distributed.")],
    out: Annotated[Path, typer.Option(help="Folder for the images, masks and index.csv.")],
) -> None:
    """Check the archives, extract them and write the index of images."""
    with _progress() as bar:
        task = bar.add_task("extracting")
        index = prepare_data(source, out, lambda n, of: bar.update(task, completed=n, total=of))
    console.print(
        f"{out / INDEX_FILE}: {len(index)} images, {index.lesion_id.nunique()} lesions, "
        f"{(index['mask'] != '').sum()} masks"
    )


@app.command()
def split(
    data: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for train.csv, val.csv and test.csv.")],
    scheme: Annotated[str, typer.Option(help="grouped: no lesion in two parts.")] = "grouped",
    fractions: Annotated[str, typer.Option(help="Train, val, test; or train, val.")] = (
        "0.64,0.16,0.20"
    ),
    seed: int = 42,
) -> None:
    """Part the index into train, val and test."""
    if scheme != "grouped":
        raise ValueError(f"scheme must be grouped, got {scheme!r}")
    try:
        shares = [float(text) for text in fractions.split(",")]
    except ValueError:
        raise ValueError(f"fractions must be numbers parted by commas, got {fractions!r}") from None
    write_split(grouped_split(load_index(data / INDEX_FILE), shares, seed), data, out)
    _print_split(out)


@app.command()
def inspect(splits: Annotated[Path, typer.Option(help="Folder of a split.")]) -> None:
    """Count the images per class and part; fails where a lesion is in two parts."""
    _print_split(splits)


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


def _print_split(folder: Path) -> None:
    parts = load_split(folder)
    frame = counts(parts)
    table = Table("", *frame.columns)
    for label, row in frame.iterrows():
        table.add_row(str(label), *(f"{n:,}" for n in row))
    console.print(table)
    console.print(f"split sha256 {split_hash(parts)}; no lesion is in two parts")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
    )


def main() -> None:
    """Run a command; what the user can mend is one sentence and exit status 2."""
    try:
        app()
    except (ValueError, DataError, CheckpointError, WeightsUnavailableError, OSError) as error:
        errors.print(f"error: {error}", style="red", highlight=False)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
