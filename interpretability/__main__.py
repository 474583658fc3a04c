"""`python -m interpretability`: explain a picture, list the methods, score their faithfulness."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from interpretability.attribution.explainer import Explainer
from interpretability.cli.explain import CommandError, Requested, explained, written
from interpretability.method import PRECISIONS
from interpretability.methods import METHODS
from interpretability.rendering.overlay import STYLES
from models.checkpoint.card import DEFAULT_MODEL
from quality.console import EXIT_USAGE, error_console, run

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Why a prediction: attribution maps, and how faithful they are.",
)
Model = Annotated[
    str, typer.Option(envvar="MODEL", metavar="NAME", help="Checkpoint, or the folder of one.")
]
_LIST = ", ".join(METHODS)


def _fail(message: object) -> typer.Exit:
    error_console().print(str(message), markup=False)
    return typer.Exit(EXIT_USAGE)


@app.command()
def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The picture.")],
    out: Annotated[Path, typer.Option(metavar="PNG", help="Write the picture of the map here.")],
    model: Model = DEFAULT_MODEL,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"One of {_LIST}; repeat for side-by-side."),
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="LEVEL", help=f"{', '.join(PRECISIONS)}: the effort.")
    ] = "Medium",
    target: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="A class or `malignant`; default: the predicted one."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the method."),
    ] = None,
    raw: Annotated[
        Path | None, typer.Option(metavar="NPY", help="Write the map itself, float32 (H, W).")
    ] = None,
    style: Annotated[str, typer.Option(metavar="STYLE", help=f"{', '.join(STYLES)}.")] = "heatmap",
    opacity: Annotated[float, typer.Option(help="Of the strongest colour, 0 to 1.")] = 0.5,
    override_gate: Annotated[
        bool, typer.Option("--no-gate", help="Explain what the gate rejects, too.")
    ] = False,
) -> None:
    """Draw which parts of a picture speak for a class, and which against it."""
    errors = error_console()
    try:
        request = Requested.checked(
            image, out, raw, tuple(method or ("gradcam",)), precision, target, settings or (),
            style, opacity, override_gate,
        )  # fmt: skip
        explainer = Explainer(model)
        picture = request.picture()
        seconds = request.expected_seconds(explainer)
        errors.print(f"Expected: about {max(1, round(seconds))} s on two cores", markup=False)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(
            *columns, console=errors, transient=True, disable=not errors.is_terminal
        ) as bar:
            found = []
            for name in request.methods:
                line = bar.add_task(METHODS[name].label, total=1.0)
                moved = partial(_moved, bar, line)
                found.append(explained(explainer, request, picture, name, moved))
        written(request, picture, found)
    except (CommandError, ValueError, OSError) as error:  # CheckpointError among them
        raise _fail(error) from None
    for one in found:
        typer.echo(
            f"{one.method}: {one.target} {one.probability:.3f}, {one.model}, {one.seconds:.1f} s"
        )


def _moved(bar: Progress, line: TaskID, share: float) -> None:
    bar.update(line, completed=share)


@app.command()
def methods() -> None:
    """List the methods: precision, sign, where they work, what they cost."""
    from interpretability.cli.explain import method_rows

    table = Table()
    rows = method_rows()
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    Console(highlight=False).print(table)


@app.command()
def score(
    split: Annotated[Path, typer.Option(metavar="FILE", help="CSV of a split.")],
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="Lesions to score.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where tables and page go.")],
    model: Model = DEFAULT_MODEL,
    methods: Annotated[
        str, typer.Option(metavar="NAME,...", help="Default: all that work with the model.")
    ] = "",
    precision: Annotated[str, typer.Option(metavar="LEVEL", help="As in `explain`.")] = "Low",
    costly: Annotated[
        int,
        typer.Option(
            min=0, help="Lesions for sensitivity and the model-randomisation sanity check."
        ),
    ] = 20,
    examples: Annotated[int, typer.Option(min=0, help="Lesions shown on the page.")] = 6,
    seed: Annotated[int, typer.Option(help="Of the choice of lesions.")] = 42,
    processes: Annotated[
        int, typer.Option(min=1, help="That share the lesions, and the machine's cores.")
    ] = 1,
) -> None:
    """Measure how faithful each method is, over lesions of a split.

    What is finished is kept: the same command goes on where it was stopped. The page shows
    pictures of the split and is yours; summary.csv and summary.md hold none.
    """
    from interpretability.cli.score import run

    errors = error_console()
    columns = (TextColumn("Lesions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=errors, transient=True) as bar:
            line = bar.add_task("", total=n)
            chosen = [name.strip() for name in methods.split(",") if name.strip()]
            page = run(
                split, n, out, model, chosen, precision, costly, examples, seed, processes,
                lambda count: _tell(bar, line, count, errors),
            )  # fmt: skip
    except (ValueError, OSError) as error:
        raise _fail(error) from None
    typer.echo(str(page))


def _tell(bar: Progress, line: TaskID, count: int, errors: Console) -> None:
    bar.update(line, completed=count)
    if not errors.is_terminal:
        errors.print(f"{count} lesions done", markup=False)


if __name__ == "__main__":
    run(app)
