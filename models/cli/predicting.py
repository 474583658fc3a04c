"""`python -m models predict`: classes and probabilities of files, whatever their quality."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from models.checkpoint.card import DEFAULT_MODEL
from models.cli.console import EXIT_SOME_FAILED, error_console, printable, usage_error
from models.cli.exporting import prepared

OUT_OF_DISTRIBUTION = "not a dermatoscopic image of skin, so the class means nothing"
EPILOG = (
    "Exit codes: 0 every file was classified, 1 some could not be read (their rows have "
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
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

    from models.cli.classify_files import classify_files, columns
    from models.inference.classifier import Classifier, ModelNotReady
    from quality.batch import list_inputs
    from quality.files import left_out
    from quality.output import write_csv

    try:
        files, others = list_inputs(paths), left_out(paths)
        if not files:
            raise ValueError(f"there is no image among the paths{others and f'; {others}'}")
        if csv_file and not csv_file.absolute().parent.is_dir():
            raise ValueError(f"--csv: the folder of {csv_file} does not exist")
        prepared(model)
        classifier = Classifier(model, tta=tta)
    except (ModelNotReady, ValueError) as error:  # CheckpointError among them
        raise usage_error(error) from None
    names = columns(classifier.card.taxonomy.codes)
    errors = error_console()
    rows: list[dict[str, Any]] = []
    failures = 0
    shown = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), Remaining())
    hidden = not errors.is_terminal
    with Progress(*shown, console=errors, transient=True, disable=hidden) as progress:
        results = classify_files(classifier, files, jobs=jobs)
        for row, reason, in_distribution in progress.track(results, total=len(files)):
            if reason is not None:
                failures += 1
                errors.print(f"{printable(row['file'])}: {reason}", markup=False)
            elif not (csv_file or as_json):
                note = f"; {OUT_OF_DISTRIBUTION}" if in_distribution is False else ""
                typer.echo(_line(row) + note)
            elif in_distribution is False:
                errors.print(f"{printable(row['file'])}: {OUT_OF_DISTRIBUTION}", markup=False)
            more = {"error": reason, "in_distribution": in_distribution}
            rows.append(row | more if as_json and not csv_file else row)
    if csv_file:
        write_csv(csv_file, names, rows)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    if others:
        errors.print(others, markup=False)
    if failures:
        errors.print(f"{failures} of {len(files)} files could not be read", markup=False)
        raise typer.Exit(EXIT_SOME_FAILED)


def _line(row: dict[str, Any]) -> str:
    code = row["prediction"]
    name = printable(row["file"])
    return f"{name}: {code} {row[code]:.1%}, malignant {row['p_malignant']:.1%}"
