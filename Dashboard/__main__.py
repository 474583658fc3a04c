"""`python -m Dashboard assess`: gate, classification and advice without a server."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import quality
from Dashboard.assess.batch import COLUMNS, Row, assess_files
from Dashboard.assess.service import ModelNotReady, Service, UnknownModel
from Dashboard.config import Config
from models.inference.cores import usable_cores
from models.inference.memory import return_large_blocks
from quality.output import write_csv

EXIT_SOME_FAILED, EXIT_USAGE = 1, 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Assess dermatoscopic images without a server."""


@app.command(
    epilog="Exit codes: 0 every image was assessed (one to retake counts as assessed), "
    "1 some could not be read, 2 wrong use or no model. Settings come from the environment."
)
def assess(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write a table here.")] = None,
    model: Annotated[str | None, typer.Option(help="Checkpoint, if not the default one.")] = None,
) -> None:
    """Judge the quality of images, classify those that pass, and say what to do."""
    errors = Console(stderr=True, highlight=False)
    try:
        files, others = quality.find_images(paths), quality.left_out(paths)
        if not files:
            raise ValueError(f"there is no image among the paths{others and f'; {others}'}")
        if csv_file and not csv_file.absolute().parent.is_dir():
            raise ValueError(f"--csv: the folder of {csv_file} does not exist")
        config = Config.from_env()
        service = Service(replace(config, model=model or config.model))
        return_large_blocks()
        service.warm_up(streams=usable_cores())
    except (FileNotFoundError, ModelNotReady, UnknownModel, ValueError) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(EXIT_USAGE) from None
    rows: list[Row] = []
    columns = (TextColumn("Assessing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        results = assess_files(service, files, jobs=usable_cores())
        for row in progress.track(results, total=len(files)):
            rows.append(row)
            if not csv_file:
                typer.echo(_line(row), err=row["verdict"] == "error")
    if csv_file:
        write_csv(csv_file, COLUMNS, rows)
    if others:
        errors.print(others, markup=False, soft_wrap=True)
    counts = Counter(row["message"] or "could not be read" for row in rows)
    for message, count in counts.most_common():
        errors.print(f"{count:6d}  {message}", markup=False)
    if any(row["verdict"] == "error" for row in rows):
        raise typer.Exit(EXIT_SOME_FAILED)


def _line(row: Row) -> str:
    if row["verdict"] == "error":
        return f"{row['file']}: {row['error']}"
    if not row["prediction"]:
        return f"{row['file']}: {row['message']}. {row['reasons']}"
    if row["in_distribution"] == "false":
        # A class and its probability beside "not assessed" would be read as an assessment.
        return f"{row['file']}: {row['message']}"
    return (
        f"{row['file']}: {row['message']} ({row['prediction']}, {row['probability']:.0%}; "
        f"malignant {row['p_malignant']:.0%})"
    )


if __name__ == "__main__":
    app()
