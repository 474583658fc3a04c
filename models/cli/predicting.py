"""`python -m models predict`: classes and probabilities of files, whatever their quality."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.checkpoint.card import DEFAULT_MODEL
from models.cli.console import usage_error
from models.cli.exporting import prepared
from quality.console import EXIT_SOME_FAILED, Bom, Csv, error_console, saving
from quality.names import printable
from quality.output import require_writable

if TYPE_CHECKING:
    from models.cli.classify_files import Row

OUT_OF_DISTRIBUTION = "unlike the pictures that the model learnt from: the class may mean nothing"
EPILOG = (
    "Exit codes: 0 every file was classified, 1 some could not be read (their rows have "
    "empty values and the reason), 2 wrong use or no model, 130 interrupted."
)


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    model: Annotated[
        str,
        typer.Option(envvar="MODEL", metavar="NAME", help="Checkpoint, or the folder of one."),
    ] = DEFAULT_MODEL,
    csv_file: Csv = None,
    bom: Bom = False,
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
    from quality.inputs import find_inputs

    try:
        inputs = find_inputs(paths)
        if not inputs.files:
            raise ValueError("; ".join(["there is no image among the paths", *inputs.sentences()]))
        if csv_file:
            require_writable(csv_file)
        prepared(model)
        classifier = Classifier(model, tta=tta)
    except (ModelNotReady, ValueError) as error:  # CheckpointError among them
        raise usage_error(error) from None
    names = columns(classifier.card.taxonomy.codes)
    errors = error_console()
    rows: list[Row] = []
    shown = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), Remaining())
    quiet = not errors.is_terminal
    try:
        with (
            saving(csv_file, names, rows, bom=bom),
            Progress(*shown, console=errors, transient=True, disable=quiet) as progress,
        ):
            results = classify_files(classifier, inputs.files, jobs=jobs)
            for row in progress.track(results, total=len(inputs.files)):
                rows.append(row)
                name, outside = printable(row["file"]), row["in_distribution"] is False
                if row["error"] is not None:
                    errors.print(f"{name}: {row['error']}", markup=False)
                elif not (csv_file or as_json):
                    note = f"; {OUT_OF_DISTRIBUTION}" if outside else ""
                    typer.echo(f"{name}: {_answer(row)}{note}")
                elif outside:
                    errors.print(f"{name}: {OUT_OF_DISTRIBUTION}", markup=False)
    finally:  # what is done, where it was interrupted
        if as_json:
            typer.echo(json.dumps(rows, indent=2))
    for sentence in inputs.sentences():
        errors.print(sentence, markup=False)
    failures = sum(row["error"] is not None for row in rows)
    if failures:
        errors.print(f"{failures} of {len(rows)} files could not be read", markup=False)
        raise typer.Exit(EXIT_SOME_FAILED)


def _answer(row: "Row") -> str:
    code = row["code"]
    return f"{code} {row[code]:.1%}, malignant {row['p_malignant']:.1%}"
