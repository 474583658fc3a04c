"""`python -m Dashboard assess`: gate, classification and advice without a server.

`index`: proven cases to compare with; `migrate`: the tables of the store; `work`: explanations for
servers.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import quality
from Dashboard.assess.batch import assess_files
from Dashboard.assess.rows import COLUMNS, Row
from Dashboard.assess.service import ModelNotReady, Service, UnknownModel
from Dashboard.assess.thumbnails import shrunk_jpeg
from Dashboard.config import Config
from Dashboard.proven.features import features_model
from Dashboard.proven.index import INDEX_FILE, make, read_table, save
from Dashboard.proven.journal import forget
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.store import Store
from models.inference.cores import usable_cores
from models.inference.memory import return_large_blocks
from quality.console import (
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    EXIT_USAGE,
    Bom,
    Csv,
    error_console,
    run,
    saving,
)
from quality.names import printable
from quality.output import require_writable

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Assess dermatoscopic images without a server; prepare the store and the index of one."""


@app.command(epilog="Exit codes: 0 done, 2 there is no such store, or it cannot be used.")
def migrate() -> None:
    """Bring the tables of the store to this version's state; a server does so when it starts."""
    try:
        config = Config.from_env()
        if not config.durable:
            raise ValueError("there is no store to migrate without DATA_DIR")
        store = Store(config)
        store.prepare()
        store.close()
    except (StoreFull, StoreUnavailable, ValueError) as error:
        error_console().print(str(error), markup=False)
        raise typer.Exit(EXIT_USAGE) from None


@app.command(epilog="Exit codes: 0 ended by a signal, 2 there is nothing to work on.")
def work() -> None:
    """Make explanations for servers: over REDIS_URL, or over DATABASE_URL and their DATA_DIR."""
    from Dashboard.explain.jobs.worker import run as run_worker

    try:
        run_worker(Config.from_env())
    except (StoreFull, StoreUnavailable, ValueError) as error:
        error_console().print(str(error), markup=False)
        raise typer.Exit(EXIT_USAGE) from None


@app.command(
    epilog="Exit codes: 0 done, 1 some pictures could not be read and are left out, 2 wrong use or "
    "no model, 130 interrupted. MODEL names the checkpoint, as for the server."
)
def index(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Folder that `python -m retraining prepare` made, or its table."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the index; default: DATA's.")
    ] = None,
    thumbnails: Annotated[
        bool,
        typer.Option(
            "--thumbnails", help="Keep small pictures in it, so that DATA need not stay in place."
        ),
    ] = False,
) -> None:
    """Make an index of pictures whose diagnoses are known, for cases to be compared with.

    The setting INDEX names it to the server. It is one file, written whole or not at all; the same
    command goes on where one was interrupted.
    """
    errors = error_console()
    columns = (TextColumn("Indexing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        config = Config.from_env()
        space = features_model(Service(config))
        if space is None:
            raise ValueError("MODEL: the ensemble has no member that hands out features")
        service = Service(replace(config, model=space.model))
        read_table(data)  # what is wrong with it is said before a model is loaded
        return_large_blocks()
        service.warm_up(streams=usable_cores())
        target = (out or (data if data.is_dir() else data.parent)) / INDEX_FILE
        journal = target.with_suffix(".partial")
        with Progress(*columns, console=errors, transient=True) as progress:
            task = progress.add_task("", total=None)

            def say(done: int, total: int) -> None:
                # The time that is left is that of pictures that are done now.
                tell = progress.update if progress.tasks[0].total else progress.reset
                tell(task, completed=done, total=total)

            made, failed = make(
                service,
                space.model,
                data,
                thumbnail=shrunk_jpeg if thumbnails else None,
                jobs=usable_cores(),
                journal=journal,
                progress=say,
            )
        save(made, target)
        forget(journal)
    except (ModelNotReady, ValueError) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(EXIT_USAGE) from None
    except OSError as error:
        errors.print(f"the index cannot be written: {error.strerror}", markup=False)
        raise typer.Exit(EXIT_USAGE) from None
    except KeyboardInterrupt:
        errors.print("Interrupted; the same command goes on from here.", markup=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    for sentence in failed:
        errors.print(sentence, markup=False)
    by = f"{made.model} {made.version}"
    typer.echo(f"{printable(target)}: pictures {len(made)}, lesions {made.count}, model {by}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


@app.command(
    epilog="Exit codes: 0 every image was assessed (one to retake counts as assessed), "
    "1 some could not be read, 2 wrong use or no model, 130 interrupted. "
    "Settings come from the environment."
)
def assess(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    csv_file: Csv = None,
    bom: Bom = False,
    model: Annotated[str | None, typer.Option(help="Checkpoint, if not the default one.")] = None,
) -> None:
    """Judge the quality of images, classify those that pass, and say what to do."""
    errors = error_console()
    try:
        inputs = quality.find_inputs(paths)
        if not inputs.files:
            raise ValueError("; ".join(["there is no image among the paths", *inputs.sentences()]))
        if csv_file:
            require_writable(csv_file)
        config = Config.from_env()
        service = Service(replace(config, model=Service(config).known(model)))
        return_large_blocks()
        service.warm_up(streams=usable_cores())
    except (ModelNotReady, UnknownModel, ValueError) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(EXIT_USAGE) from None
    rows: list[Row] = []
    columns = (TextColumn("Assessing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        saving(csv_file, COLUMNS, rows, bom=bom),
        Progress(*columns, console=errors, transient=True) as progress,
    ):
        results = assess_files(service, inputs.files, jobs=usable_cores())
        for row in progress.track(results, total=len(inputs.files)):
            rows.append(row)
            failed = row["verdict"] == "error"
            if failed or not csv_file:
                typer.echo(f"{printable(row['file'])}: {_answer(row)}", err=failed)
    for sentence in inputs.sentences():
        errors.print(sentence, markup=False)
    counts = Counter(row["message"] or "could not be read" for row in rows)
    for message, count in counts.most_common():
        errors.print(f"{count:6d}  {message}", markup=False)
    if any(row["verdict"] == "error" for row in rows):
        raise typer.Exit(EXIT_SOME_FAILED)


def _answer(row: Row) -> str:
    if row["verdict"] == "error":
        return str(row["error"])
    answer = str(row["message"])
    if row["verdict"] in ("consultation", "no_appointment"):
        # Beside "no advice", a class and its probability would be read as an assessment.
        found = f"{row['prediction']}, {row['probability']:.0%}"
        answer += f" ({found}; malignant {row['p_malignant']:.0%})"
    return f"{answer.removesuffix('.')}. {row['notes']}" if row["notes"] else answer


if __name__ == "__main__":
    run(app)
