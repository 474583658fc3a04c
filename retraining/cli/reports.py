"""`evaluate`, `cost`, `compare`, `promote` and `refresh-card`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from models.checkpoint.card import WEIGHTS_DIR
from retraining.cli.console import commands, console, progress_bar
from retraining.cli.trust import Cache, Sources

app = commands()

# Where the evaluations of served checkpoints lie, beside one's runs.
SERVED = Path("runs/served")

Split = Annotated[str, typer.Option(help="The split to score: test or val.")]
Served = Annotated[Path, typer.Option(help="Folder of the evaluations of checkpoints.")]
Root = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
Sensitivity = Annotated[
    float, typer.Option(help="Share of the malignant lesions that the advice must find by default.")
]


@app.command()
def evaluate(
    runs: Annotated[list[Path] | None, typer.Argument(help="Run folders.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A checkpoint, scored as it is served; NAME,NAME for several, of --data also a "
            "folder of one."
        ),
    ] = None,
    tta: Annotated[
        bool, typer.Option("--tta", help="Checkpoints with test-time augmentation.")
    ] = False,
    split: Split = "test",
    splits: Annotated[
        Path | None, typer.Option(help="Folder of the splits; for --model, unless there is --data.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Any labelled pictures to score --model on, FOLDER or NAME=FOLDER: what prepare "
            "wrote, or a split, of which --split is taken; can be repeated."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report of --data.")] = None,
    size: Annotated[int | None, typer.Option(help="Input size; default: chosen on val.")] = None,
    cache: Annotated[Path | None, typer.Option(help="For decoded images.")] = None,
    served: Served = SERVED,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Score runs or checkpoints on a split, or checkpoints on any labelled pictures.

    With 95 % intervals over lesions.
    """
    model = [name.strip() for names in model or [] for name in names.split(",")]
    if not runs and not model:
        raise ValueError("evaluate needs a run folder, or --model NAME")
    if data:
        if runs or splits or not model:
            raise ValueError("evaluate --data needs --model, and no run folder and no --splits")
        _evaluate_labelled(model, data, split, served, out, root)
        return
    if model and splits is None:
        raise ValueError("evaluate --model needs --splits, the folder of a split, or --data")
    for run in runs or []:
        from retraining.evaluation.evaluate import evaluate_run

        metrics = evaluate_run(run, split, cache or run.parent / "cache", size, splits=splits)
        _show(f"{run.name}, {split}", metrics)
    for name in model or []:
        from retraining.evaluation.evaluate import evaluate_model

        assert splits is not None
        with progress_bar() as bar:
            task = bar.add_task(f"classifying with {name}")
            metrics = evaluate_model(
                name,
                splits,
                split,
                served / (f"{name}-tta" if tta else name),
                root=root,
                tta=tta,
                progress=lambda n, of, task=task: bar.update(task, completed=n, total=of),  # type: ignore[misc]
            )
        _show(f"{name}, {split}, as served", metrics)


def _evaluate_labelled(
    models: Sequence[str],
    given: Sequence[str],
    split: str,
    served: Path,
    out: Path | None,
    root: Path,
) -> None:
    from retraining.evaluation.labelled import evaluate_labelled, read_labelled
    from retraining.reports.travel import write_travel_report

    sets = [read_labelled(one, split) for one in given]
    found = {}
    for name in models:
        for data in sets:
            with progress_bar() as bar:
                task = bar.add_task(f"classifying {data.name} with {name}")
                found[name, data.name] = evaluate_labelled(
                    name,
                    data,
                    served / Path(name).name,
                    root=root,
                    progress=lambda n, of, task=task: bar.update(task, completed=n, total=of),  # type: ignore[misc]
                )
            if out is None:
                _show(f"{name}, {data.name}, as served", found[name, data.name].metrics)
    if out is not None:
        write_travel_report(found, out, _command())
        console.print(str(out / "report.md"))


@app.command()
def cost(
    models: Annotated[list[str], typer.Argument(help="Evaluated run folders or checkpoints.")],
    served: Served = SERVED,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Measure parameters, arithmetic, size and speed; best on a machine with nothing else to do."""
    from retraining.evaluation.cost import measure_cost
    from retraining.reports.compare import locate_evaluation

    for name in models:
        found = measure_cost(locate_evaluation(name, served, root), root=root)
        console.print(
            f"{name}: {found['parameters'] / 1e6:.1f} M parameters, {found['gmacs']:.2f} GMACs, "
            f"{found['file_mb']:.1f} MB, {found['latency_ms']:.1f} ms per image, "
            f"{found['images_per_second']:.0f} images per second ({found['precision']})"
        )


@app.command()
def compare(
    models: Annotated[list[str], typer.Argument(help="Evaluated run folders or checkpoints.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    split: Split = "test",
    any_split: Annotated[
        bool, typer.Option("--any-split", help="Accept models of different splits, and say so.")
    ] = False,
    published: Annotated[
        Path | None, typer.Option(help="CSV file with other people's results.")
    ] = None,
    served: Served = SERVED,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Lay models side by side: a page, CSV, JSON, Markdown and figures."""
    from retraining.reports.compare import compare_pairs, load_entries, locate_evaluation
    from retraining.reports.published import load_published
    from retraining.reports.report import write_report

    others = load_published(published) if published else []
    folders = [locate_evaluation(name, served, root) for name in models]
    entries = load_entries(folders, split, any_split=any_split)
    write_report(entries, compare_pairs(entries), out, command=_command(), published=others)
    console.print(f"{out / 'index.html'}: {len(entries)} models, scored on {split}")


@app.command()
def promote(
    run: Annotated[Path, typer.Argument(help="An evaluated run folder.")],
    name: Annotated[str | None, typer.Option(help="Default: the backbone's name.")] = None,
    root: Root = WEIGHTS_DIR,
    sensitivity: Sensitivity = 0.95,
) -> None:
    """Publish a run as a checkpoint, which the dashboard then offers."""
    from retraining.publishing.publish import promote_run

    console.print(str(promote_run(run, root, name, sensitivity)))


@app.command()
def refresh_card(
    name: Annotated[str, typer.Argument(help="A checkpoint.")],
    splits: Annotated[Path, typer.Option(help="Folder of the split it was trained on.")],
    root: Root = WEIGHTS_DIR,
    out: Annotated[
        Path | None, typer.Option(help="Folder of checkpoints for the result; default: in place.")
    ] = None,
    source: Sources = None,
    cache: Cache = None,
    sensitivity: Sensitivity = 0.95,
    text_only: Annotated[
        bool,
        typer.Option("--text-only", help="Measure nothing; write limits and README.md anew."),
    ] = False,
) -> None:
    """Calibrate and score a checkpoint again and write its card; the weights stay as they are."""
    from models.checkpoint.card import load_card, locate
    from retraining.evaluation.sources import read_sources
    from retraining.publishing import publish

    if text_only:
        console.print(str(publish.refresh_text(name, splits, root=root)))
        return
    with progress_bar() as bar:
        task = bar.add_task(f"classifying with {name}")
        folder = publish.refresh_card(
            name,
            splits,
            root=root,
            out=out,
            sources=read_sources(source or [], load_card(locate(name, root)).taxonomy),
            cache=cache,
            sensitivity=sensitivity,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    console.print(str(folder))


def _show(title: str, metrics: Sequence[dict[str, Any]]) -> None:
    table = Table(title=f"{title}, n = {metrics[0]['n']}")
    for column in ("metric", "value", "95 % low", "95 % high"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for row in metrics:
        numbers = (
            "–" if row[key] is None else f"{row[key]:.3f}" for key in ("value", "low", "high")
        )
        table.add_row(row["metric"], *numbers)
    console.print(table)


def _command() -> str:
    """What was typed, with the name alone of every path: folders are the user's own."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", "retraining", *words])
