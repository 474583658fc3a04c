"""`python -m studies.gate`: measure on a split, write the report."""

from pathlib import Path
from typing import Annotated

import typer

from models.checkpoint.card import DEFAULT_MODEL, WEIGHTS_DIR
from retraining.cli.console import console, progress_bar, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def gate(
    splits: Annotated[Path, typer.Option(help="Folder of the split that the model learnt from.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    model: Annotated[str, typer.Option(help="The checkpoint that classifies.")] = DEFAULT_MODEL,
    originals: Annotated[
        Path | None,
        typer.Option(help="Images of about 600 x 450; needed where the split's are smaller."),
    ] = None,
    per_class: Annotated[
        int, typer.Option(help="At most so many images of a class in each split.")
    ] = 300,
    root: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = WEIGHTS_DIR,
) -> None:
    """Measure what blur and lost contrast cost, and from which values on to ask for a retake."""
    from studies.gate.study import run_study

    with progress_bar() as bar:
        task = bar.add_task(f"degrading and classifying with {model}")
        report = run_study(
            splits,
            model,
            originals=originals,
            per_class=per_class,
            root=root,
            progress=lambda n, of: bar.update(task, completed=n, total=of),
        )
    report.write(out)
    found = report.recommended
    console.print(
        f"{out}: sharpness {found.min_laplacian:g}, gamma {found.min_gamma:g}; "
        "quality.gate.RECOMMENDED_THRESHOLDS holds what the product uses"
    )


def main() -> None:
    """Run the study; what the user can mend is one sentence and exit status 2."""
    run(app)


if __name__ == "__main__":
    main()
