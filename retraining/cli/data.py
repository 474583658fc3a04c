"""`download`, `prepare`, `split` and `inspect`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import TaskID
from rich.table import Table

from quality.output import write_text
from retraining.cli.console import commands, console, download_bar, errors, progress_bar

if TYPE_CHECKING:
    import pandas as pd

app = commands()

SCHEMES = ("grouped", "per-class", "kfold", "source", "given", "parts", "like")


@app.command()
def download(
    out: Annotated[Path, typer.Option(help="Folder for the archives.")],
    source: Annotated[str, typer.Option(help="dataverse or kaggle.")] = "dataverse",
) -> None:
    """Fetch HAM10000 (3 GB, CC BY-NC 4.0); goes on where it stopped, checks every file."""
    from retraining.data.download import from_dataverse, from_kaggle

    if source == "kaggle":
        out = from_kaggle(out)
    elif source == "dataverse":
        with download_bar() as bar:
            tasks: dict[str, TaskID] = {}

            def show(name: str, there: int, whole: int) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name)
                bar.update(tasks[name], completed=there, total=whole)

            from_dataverse(out, show)
    else:
        raise ValueError(f"source must be dataverse or kaggle, got {source!r}")
    console.print(f"all there; next: python -m retraining prepare {out} --out DATA", soft_wrap=True)


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Archives as distributed, or folders of images.")],
    out: Annotated[Path, typer.Option(help="Folder for index.csv and what is extracted.")],
    malignant: Annotated[
        str | None,
        typer.Option(help="Classes of your own that are malignant: a,b; or none."),
    ] = None,
    names: Annotated[
        str | None, typer.Option(help="Full names of classes: 'a=Name,b=Other name'.")
    ] = None,
    metadata: Annotated[
        list[Path] | None,
        typer.Option(
            help="A table with more of the images, or with their classes; can be repeated."
        ),
    ] = None,
    rendering: Annotated[
        str, typer.Option(help="Name of this rendering of the images, if there are several.")
    ] = "",
    skip: Annotated[
        bool, typer.Option("--skip", help="Leave out broken images instead of failing.")
    ] = False,
) -> None:
    """Check every image and every id of a data set and write its index."""
    from retraining.data.index import INDEX_FILE
    from retraining.data.index import prepare as prepare_data
    from retraining.data.splits import load_taxonomy

    with progress_bar() as bar:
        task = bar.add_task("reading")
        index = prepare_data(
            source,
            out,
            lambda n, of: bar.update(task, completed=n, total=of),
            malignant=None if malignant is None else _list(malignant),
            names=None if names is None else _names(names),
            metadata_files=metadata or (),
            rendering=rendering,
            skip=skip,
            report=lambda sentence: errors.print(sentence, highlight=False, soft_wrap=True),
        )
    classes = load_taxonomy(out)
    console.print(
        f"{out / INDEX_FILE}: {len(index):,} images, {index.lesion_id.nunique():,} lesions, "
        f"{(index['mask'] != '').sum():,} masks; classes {', '.join(classes.codes)}, malignant "
        f"{', '.join(sorted(classes.malignant)) or 'none'}",
        soft_wrap=True,
    )


@app.command()
def split(
    data: Annotated[Path, typer.Option(help="Folder that `prepare` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for train.csv, val.csv and test.csv.")],
    scheme: Annotated[
        str,
        typer.Option(
            help="grouped: no lesion in two splits. kfold: the same, a folder per fold. per-class: "
            "by chance, leaks. source: grouped, a folder per source that the metadata names, "
            "which is test. given: as the folders of the data say. parts: the lasting parts of the "
            "ISIC archive, val is choose and test is external. like: as in the split --like."
        ),
    ] = "grouped",
    fractions: Annotated[
        str | None,
        typer.Option(help="Train, val, test; or train, val. Default 0.64,0.16,0.20 or 0.8,0.2."),
    ] = None,
    folds: Annotated[int, typer.Option(help="Of scheme kfold.")] = 5,
    seed: int = 42,
    like: Annotated[
        Path | None, typer.Option(help="Split of the same images, for scheme like.")
    ] = None,
) -> None:
    """Split the index into train, val and test."""
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be {', '.join(SCHEMES)}; got {scheme!r}")
    from retraining.data import split_schemes as schemes
    from retraining.data.index import INDEX_FILE, load_index
    from retraining.data.parts import parts_split
    from retraining.data.splits import check_classes, load_split, load_taxonomy, write_split

    if (like is None) == (scheme == "like"):
        raise ValueError(f"scheme like and --like SPLITS go together; got scheme {scheme!r}")
    index = load_index(data / INDEX_FILE)
    check_classes(index, load_taxonomy(data), str(data / INDEX_FILE))
    if scheme == "kfold":
        for fold, frames in enumerate(schemes.kfold_splits(index, folds, seed)):
            folder = out / f"fold_{fold}"
            write_split(frames, data, folder, scheme, folds=folds, fold=fold, seed=seed)
            console.print(str(folder))
            _print_split(folder)
        return
    if scheme == "source":
        splits = schemes.source_splits(index, seed)
        origin = {"sources": list(splits), "seed": seed}
        for source, frames in splits.items():
            folder = out / source
            write_split(frames, data, folder, scheme, source=source, **origin)
            console.print(str(folder))
            _print_split(folder)
        return
    if like is not None:
        write_split(schemes.like_split(index, load_split(like)), data, out, scheme)
    elif scheme == "parts":
        with progress_bar() as bar:
            task = bar.add_task("comparing")
            frames = parts_split(index, data, lambda n, of: bar.update(task, completed=n, total=of))
        write_split(frames, data, out, scheme)
    elif scheme == "given":
        write_split(schemes.given_split(index), data, out, scheme)
    else:
        cut, default = {
            "grouped": (schemes.grouped_split, schemes.GROUPED_FRACTIONS),
            "per-class": (schemes.per_class_split, schemes.PER_CLASS_FRACTIONS),
        }[scheme]
        shares = _shares(fractions, default)
        write_split(cut(index, shares, seed), data, out, scheme, fractions=shares, seed=seed)
    _print_split(out)


@app.command()
def combine(
    splits: Annotated[list[Path], typer.Argument(help="Folders of splits, the main one first.")],
    out: Annotated[Path, typer.Option(help="Folder for train.csv, val.csv and test.csv.")],
) -> None:
    """Train on several data sets: their train together, val and test of the first.

    What is in val or test of any, by lesion or by image, is left out of train.
    """
    from retraining.data.split_schemes import combined
    from retraining.data.splits import read_splits, write_split

    frames = combined([read_splits(folder) for folder in splits])
    write_split(frames, splits[0], out, "combined", combined=[folder.name for folder in splits])
    _print_split(out)


@app.command()
def inspect(
    splits: Annotated[Path, typer.Option(help="Folder of a split.")],
    csv: Annotated[Path | None, typer.Option(help="List the near-duplicates here.")] = None,
    counts_only: Annotated[
        bool, typer.Option("--counts-only", help="Do not look for near-duplicates.")
    ] = False,
) -> None:
    """Count the images per class and split, look for near-duplicates under two lesion ids.

    Exit status 1 where a lesion is in two splits.
    """
    from retraining.data.duplicates import near_duplicates
    from retraining.data.splits import read_splits

    leaked = _print_split(splits)
    if not counts_only:
        with progress_bar() as bar:
            task = bar.add_task("comparing")
            pairs = near_duplicates(
                read_splits(splits),
                progress=lambda n, of: bar.update(task, completed=n, total=of),
            )
        _print_pairs(pairs)
        if csv:
            write_text(csv, pairs.to_csv(index=False))
    if leaked:
        raise typer.Exit(1)


def _print_pairs(pairs: "pd.DataFrame") -> None:
    from retraining.data.duplicates import NEAR

    across = pairs[pairs.split_a != pairs.split_b]
    console.print(
        f"{len(pairs)} pairs of pictures look the same under two lesion ids, {len(across)} of "
        f"them across splits (perceptual hash, at most {NEAR} of 256 bits differ)",
        soft_wrap=True,
    )
    for row in across.head(10).itertuples():
        console.print(
            f"  {row.image_a} ({row.split_a}, {row.dx_a}) and {row.image_b} ({row.split_b}, "
            f"{row.dx_b}): {row.distance} bits",
            highlight=False,
        )


def _list(text: str) -> list[str]:
    return [] if text == "none" else [part.strip() for part in text.split(",")]


def _names(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(code and equals and name for code, equals, name in pairs):
        raise ValueError(f"names must be CODE=NAME separated by commas, got {text!r}")
    return {code.strip(): name.strip() for code, _, name in pairs}


def _shares(text: str | None, default: Sequence[float]) -> list[float]:
    if text is None:
        return list(default)
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"fractions must be numbers separated by commas, got {text!r}") from None


def _print_split(folder: Path) -> list[str]:
    """Print the counts of a split and its leaked lesions; returns those."""
    import pandas as pd

    from retraining.data.splits import counts, leaked_lesions, read_splits, split_hash

    frames = read_splits(folder)
    frame = counts(frames)
    table = Table("", *frame.columns)
    for label, row in frame.iterrows():
        table.add_row(str(label), *(f"{n:,}" for n in row))
    console.print(table)
    console.print(f"split sha256 {split_hash(frames)}", soft_wrap=True)
    leaked = leaked_lesions(frames)
    if leaked:
        named = ", ".join(leaked[:5]) + (" ..." if len(leaked) > 5 else "")
        total = pd.concat(frames.values()).lesion_id.nunique()
        errors.print(
            f"warning: this split leaks: {len(leaked):,} of {total:,} lesions are in two splits or "
            f"more ({named}); scores on it are too good",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print("no lesion is in two splits")
    return leaked
