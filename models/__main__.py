"""`python -m models`: list backbones and checkpoints, prepare them for serving, classify files."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from models.checkpoint.card import DEFAULT_MODEL, WEIGHTS_DIR, available, locate
from models.cli import listing
from models.errors import CheckpointError
from models.export.export import export, exported

EXIT_SOME_FAILED, EXIT_USAGE = 1, 2
FOREIGN = "not a dermatoscopic image of skin, so the class means nothing"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Backbones, checkpoints and classification.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def _fail(message: object) -> typer.Exit:
    Console(stderr=True, highlight=False, soft_wrap=True).print(str(message), markup=False)
    return typer.Exit(EXIT_USAGE)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the checkpoints that are there and the backbones that can be trained."""
    if as_json:
        typer.echo(json.dumps(listing.to_dict(), indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for title, rows in (
        ("Checkpoints", listing.checkpoint_rows()),
        ("Backbones", listing.backbone_rows()),
    ):
        table = Table(title=title, title_justify="left")
        for name in rows[0] if rows else ():
            table.add_column(name, overflow="fold", no_wrap=name == "version")
        for row in rows:
            table.add_row(*row.values())
        console.print(table if rows else f"{title}: none")


@app.command("export")
def export_(
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
        raise _fail("--int8 and --calibration CSV belong together")
    for name in wanted:
        try:
            if calibration is not None:
                from models.export.int8 import quantise

                typer.echo(f"{name}: {quantise(name, calibration)}")
            else:
                typer.echo(f"{name}: {_prepared(name)}")
        except (ValueError, OSError) as error:  # CheckpointError among them
            raise _fail(error) from None


@app.command(
    epilog="Exit codes: 0 every file was classified, 1 some could not be read (their rows have "
    "empty values, the reasons are on standard error), 2 wrong use or no model."
)
def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    model: Annotated[
        str,
        typer.Option(envvar="MODEL", metavar="NAME", help="Checkpoint, or the folder of one."),
    ] = DEFAULT_MODEL,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a table here.")
    ] = None,
    as_json: Json = False,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta", envvar="TTA", help="Average over mirrored and turned views: slower, steadier."
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Files at a time; default: from the cores.")
    ] = None,
) -> None:
    """Classify pictures, whatever their quality."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from models.cli.classify_files import classify_files, columns, write_csv
    from models.inference.classifier import Classifier, ModelNotReady
    from quality.batch import list_inputs
    from quality.files import left_out

    try:
        files, others = list_inputs(paths), left_out(paths)
        if not files:
            raise ValueError(f"there is no image among the paths{others and f'; {others}'}")
        if csv_file and not csv_file.absolute().parent.is_dir():
            raise ValueError(f"--csv: the folder of {csv_file} does not exist")
        _prepared(model)
        classifier = Classifier(model, tta=tta)
    except (ModelNotReady, ValueError) as error:  # CheckpointError among them
        raise _fail(error) from None
    names = columns(classifier.card.taxonomy.codes)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    rows: list[dict[str, Any]] = []
    failures = 0
    shown = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), Remaining())
    hidden = not errors.is_terminal
    with Progress(*shown, console=errors, transient=True, disable=hidden) as progress:
        results = classify_files(classifier, files, jobs=jobs)
        for row, reason, in_distribution in progress.track(results, total=len(files)):
            if reason is not None:
                failures += 1
                errors.print(f"{_printable(row['file'])}: {reason}", markup=False)
            elif not (csv_file or as_json):
                typer.echo(_line(row) + (f"; {FOREIGN}" if in_distribution is False else ""))
            elif in_distribution is False:
                errors.print(f"{_printable(row['file'])}: {FOREIGN}", markup=False)
            more = {"error": reason, "in_distribution": in_distribution}
            rows.append(row | more if as_json and not csv_file else row)
    if csv_file:
        write_csv(csv_file, rows, names)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    if others:
        errors.print(others, markup=False)
    if failures:
        errors.print(f"{failures} of {len(files)} files could not be read", markup=False)
        raise typer.Exit(EXIT_SOME_FAILED)


def _prepared(name: str) -> Path:
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


def _line(row: dict[str, Any]) -> str:
    code = row["prediction"]
    name = _printable(row["file"])
    return f"{name}: {code} {row[code]:.1%}, malignant {row['p_malignant']:.1%}"


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


if __name__ == "__main__":
    app()
