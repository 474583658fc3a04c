"""`python -m quality PATH...`: measures pictures and judges them."""

import os
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import cv2
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from quality.batch import COLUMNS, Row, measure_all
from quality.console import EXIT_SOME_FAILED, Bom, Csv, error_console, run, saving
from quality.gate import DEFAULT_THRESHOLDS, Mode, Thresholds, default_thresholds
from quality.inputs import find_inputs
from quality.names import printable
from quality.output import require_writable

app = typer.Typer(add_completion=False)

COLOURS = {"accept": "green", "reject": "yellow", "error": "red"}


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@app.command()
def main(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Pictures, and folders of pictures.", show_default=False
        ),
    ],
    csv: Csv = None,
    bom: Bom = False,
    min_laplacian: Annotated[
        float | None,
        typer.Option(
            help="Reject pictures of lower sharpness (Laplacian variance).",
            show_default=f"{DEFAULT_THRESHOLDS.min_laplacian:g}, or as recommended",
        ),
    ] = None,
    min_gamma: Annotated[
        float | None,
        typer.Option(
            help="Reject pictures of lower contrast (0 to 0.5).",
            show_default=f"{DEFAULT_THRESHOLDS.min_gamma:g}, or as recommended",
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Pictures measured at a time; default: one per core.")
    ] = None,
    gate: Annotated[
        Mode,
        typer.Option(
            help="classic: sharpness at the picture's own size; normalised: scaled to 600x450; "
            "recommended: so, with the thresholds that `reports/gate` found."
        ),
    ] = "classic",
) -> None:
    """Measure sharpness, contrast and brightness of pictures, and judge which can be classified.

    Of a folder, what is no picture is left out, which is said at the end.

    Exit code 0: all files were measured, whatever the verdicts. 1: some could not be read.

    2: wrong usage. 130: interrupted; what was measured is in FILE with ".partial" in its name.
    """
    messages = error_console()
    try:
        usual = default_thresholds(gate)
        thresholds = Thresholds(
            usual.min_laplacian if min_laplacian is None else min_laplacian,
            usual.min_gamma if min_gamma is None else min_gamma,
        )
        if csv is not None:
            require_writable(csv)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    inputs = find_inputs(paths)
    if not inputs.files:
        nothing = f"no pictures in {', '.join(map(printable, paths))}"
        raise typer.BadParameter("; ".join([nothing, *inputs.sentences()]), param_hint="PATH")
    jobs = jobs or cores()
    if jobs > 1:
        # One picture per thread; OpenCV's own threads would only compete with these.
        cv2.setNumThreads(1)
    rows: list[Row] = []
    table: list[dict[str, Any]] = []
    with (
        saving(csv, COLUMNS, table, bom=bom),
        closing(measure_all(inputs.files, thresholds, gate, jobs)) as measured,
    ):
        total = len(inputs.files)
        for row in track(measured, "Measuring", total=total, console=messages, transient=True):
            rows.append(row)
            table.append(asdict(row))
    if csv is None:
        show(rows, Console())
    for sentence in inputs.sentences():
        messages.print(sentence, markup=False)
    counts = Counter(row.verdict for row in rows)
    messages.print(
        f"{len(rows)} measured: {counts['accept']} accepted, {counts['reject']} rejected, "
        f"{counts['error']} unreadable."
    )
    if counts["error"]:
        raise typer.Exit(EXIT_SOME_FAILED)


def show(rows: list[Row], console: Console) -> None:
    """Print the measures as a table, and below it the sentences about each file.

    File names are printed as text, never as markup.
    """
    folder = os.path.commonpath([Path(row.file).absolute().parent for row in rows])
    result = Table(title=Text(printable(folder)), title_justify="left")
    result.add_column("File", overflow="fold")
    for heading in ("Size", "Sharpness", "Contrast", "Brightness"):
        result.add_column(heading, justify="right", no_wrap=True)
    result.add_column("Verdict", no_wrap=True)
    sentences = []
    for row in rows:
        name = Text(printable(os.path.relpath(row.file, folder)))
        result.add_row(
            name,
            "" if row.width is None else f"{row.width}x{row.height}",
            _number(row.laplacian_variance, 1),
            _number(row.gamma, 3),
            _number(row.brightness, 0),
            Text(row.verdict, style=COLOURS[row.verdict]),
        )
        sentences += [Text.assemble(name, ": ", text) for text in (row.reasons, row.notes) if text]
    console.print(result, *sentences, sep="\n")


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


if __name__ == "__main__":
    run(app, prog_name="python -m quality")
