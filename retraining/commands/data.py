"""`prepare`, `split` and `inspect`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from retraining.commands.console import commands, console, progress_bar
from retraining.data import INDEX_FILE, load_index
from retraining.data import prepare as prepare_data
from retraining.splits import counts, grouped_split, load_split, split_hash, write_split

app = commands()


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Folder with the archives as distributed.")],
    out: Annotated[Path, typer.Option(help="Folder for the images, masks and index.csv.")],
) -> None:
    """Check the archives, extract them and write the index of images."""
    with progress_bar() as bar:
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


def _print_split(folder: Path) -> None:
    parts = load_split(folder)
    frame = counts(parts)
    table = Table("", *frame.columns)
    for label, row in frame.iterrows():
        table.add_row(str(label), *(f"{n:,}" for n in row))
    console.print(table)
    console.print(f"split sha256 {split_hash(parts)}; no lesion is in two parts")
