"""`python -m quality PATH...`: measures pictures and judges them."""

import os
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from quality.batch import COLUMNS, Row, list_inputs, measure_all
from quality.files import left_out
from quality.gate import DEFAULT_THRESHOLDS, Mode, Thresholds, default_thresholds
from quality.output import write_csv

UNREADABLE, USAGE, INTERRUPTED = 1, 2, 130

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
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a table there instead of showing it.", dir_okay=False
        ),
    ] = None,
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

    Of a folder, files with the ending of another format are left out, which is said.

    Exit code 0: all files were measured, whatever the verdicts. 1: some could not be read.

    2: wrong usage. 130: interrupted, and nothing was written.
    """
    messages = Console(stderr=True)
    try:
        usual = default_thresholds(gate)
        thresholds = Thresholds(
            usual.min_laplacian if min_laplacian is None else min_laplacian,
            usual.min_gamma if min_gamma is None else min_gamma,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if csv is not None and not csv.resolve().parent.is_dir():
        raise typer.BadParameter(f"{csv}: there is no such folder", param_hint="--csv")
    files, others = list_inputs(paths), left_out(paths)
    if not files:
        nothing = f"no pictures in {', '.join(map(str, paths))}{others and f'; {others}'}"
        raise typer.BadParameter(nothing, param_hint="PATH")
    jobs = jobs or cores()
    if jobs > 1:
        # One picture per thread; OpenCV's own threads would only compete with these.
        cv2.setNumThreads(1)
    try:
        with closing(measure_all(files, thresholds, gate, jobs)) as measured:
            rows = list(
                track(measured, "Measuring", total=len(files), console=messages, transient=True)
            )
        if csv is not None:
            write_csv(csv, COLUMNS, map(asdict, rows))
    except KeyboardInterrupt:
        messages.print("Interrupted: nothing was written.")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        messages.print(Text(f"The table cannot be written: {error}"))
        raise typer.Exit(USAGE) from None
    if csv is None:
        show(rows, Console())
    if others:
        messages.print(Text(others), soft_wrap=True)
    counts = Counter(row.verdict for row in rows)
    messages.print(
        f"{len(rows)} measured: {counts['accept']} accepted, {counts['reject']} rejected, "
        f"{counts['error']} unreadable."
    )
    if counts["error"]:
        raise typer.Exit(UNREADABLE)


def show(rows: list[Row], console: Console) -> None:
    """Print the measures as a table, and below it the sentences about each file.

    File names are printed as text, never as markup.
    """
    folder = os.path.commonpath([Path(row.file).absolute().parent for row in rows])
    result = Table(title=_printable(folder), title_justify="left")
    result.add_column("File", overflow="fold")
    for heading in ("Size", "Sharpness", "Contrast", "Brightness"):
        result.add_column(heading, justify="right", no_wrap=True)
    result.add_column("Verdict", no_wrap=True)
    sentences = []
    for row in rows:
        name = _printable(os.path.relpath(row.file, folder))
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


def _printable(name: str) -> Text:
    """A file name as text, with escapes for bytes that are no UTF-8."""
    return Text(os.fsencode(name).decode("utf-8", "backslashreplace"))


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


if __name__ == "__main__":
    app(prog_name="python -m quality")
