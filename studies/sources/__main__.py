"""`python -m studies.sources`: compare runs that left a source out, write the report."""

from pathlib import Path
from typing import Annotated

import typer

from retraining.cli.console import console, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def sources(
    runs: Annotated[list[Path], typer.Argument(help="Evaluated runs, each without a source.")],
    seen: Annotated[Path, typer.Option(help="An evaluated run of the same recipe, of all.")],
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
) -> None:
    """Measure what a recipe loses on the pictures of a source that it never saw."""
    from studies.sources.study import compare_sources, write_report

    names = " ".join(one.name for one in runs)
    table = compare_sources(runs, seen)
    write_report(table, out, f"python -m studies.sources {names} --seen {seen.name} --out {out}")
    console.print(str(out / "report.md"))


def main() -> None:
    """Run the command; what the user can mend is one sentence and exit status 2."""
    run(app)


if __name__ == "__main__":
    main()
