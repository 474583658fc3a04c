"""`python -m studies.retakes`: measure the lesions that have several pictures, write the report."""

from pathlib import Path
from typing import Annotated

import typer

from models.checkpoint.card import DEFAULT_MODEL, WEIGHTS_DIR
from retraining.cli.console import console, progress_bar, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def retakes(
    splits: Annotated[Path, typer.Option(help="Folder of the split that the model learnt from.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    model: Annotated[str, typer.Option(help="The checkpoint that classifies.")] = DEFAULT_MODEL,
    lesions: Annotated[int, typer.Option(help="At most so many lesions of each split.")] = 400,
    proportions: Annotated[
        tuple[int, int],
        typer.Option(help="Width and height of the originals, where pictures are squeezed copies."),
    ] = (600, 450),
    root: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = WEIGHTS_DIR,
) -> None:
    """Measure how far pictures of one lesion are apart, and how well outlines are found."""
    from studies.retakes.report import write_report
    from studies.retakes.study import run_study

    with progress_bar() as bar:
        task = bar.add_task(f"measuring, classifying with {model}")
        found = run_study(
            splits,
            model,
            lesions=lesions,
            proportions=proportions,
            root=root,
            progress=lambda n, of: bar.update(task, completed=n, total=of),
        )
    write_report(found, out)
    console.print(str(out / "report.md"))


def main() -> None:
    """Run the study; what the user can mend is one sentence and exit status 2."""
    run(app)


if __name__ == "__main__":
    main()
