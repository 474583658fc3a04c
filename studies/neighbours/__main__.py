"""`python -m studies.neighbours`: find each picture's nearest lesions, write the report."""

from pathlib import Path
from typing import Annotated

import typer

from models.checkpoint.card import WEIGHTS_DIR
from retraining.cli.console import console, progress_bar, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def neighbours(
    splits: Annotated[Path, typer.Option(help="A split; its val and test are looked at.")],
    models: Annotated[str, typer.Option(help="Checkpoints, separated by commas.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    root: Annotated[Path, typer.Option(help="Folder of checkpoints.")] = WEIGHTS_DIR,
) -> None:
    """Measure what the Dashboard says beside similar proven cases."""
    from studies.neighbours.study import run_study, write_report

    names = [name.strip() for name in models.split(",")]
    with progress_bar() as bar:
        task = bar.add_task("looking")
        table = run_study(
            splits,
            names,
            root=root,
            progress=lambda n, of: bar.update(task, completed=n, total=of),
        )
    write_report(table, out)
    console.print(str(out / "report.md"))


def main() -> None:
    """Run the command; what the user can mend is one sentence and exit status 2."""
    run(app)


if __name__ == "__main__":
    main()
