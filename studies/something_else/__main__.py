"""`python -m studies.something_else`: collect pictures of other things from Debian's packages."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from retraining.cli.console import console, progress_bar, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def something_else(
    out: Annotated[Path, typer.Option(help="Folder for the pictures: OUT/PART/PACKAGE.")],
) -> None:
    """Download the packages of `packages.csv` with apt-get and copy their pictures.

    Sources need a line deb-src in apt's configuration. What cannot be had is named and left out.
    """
    from studies.something_else.collect import collect, packages, write_origin

    out.mkdir(parents=True, exist_ok=True)
    listed, rows = packages(), []
    with progress_bar() as bar:
        task = bar.add_task("downloading", total=len(listed))
        for one in listed:
            bar.update(task, description=one.name, advance=1)
            try:
                rows.append(collect(one, out))
            except subprocess.CalledProcessError:
                console.print(f"{one.name} cannot be had from apt's sources and is left out")
    write_origin(rows, out)
    console.print(f"{sum(int(row['pictures']) for row in rows):,} pictures in {out}")


def main() -> None:
    """Run the command; what the user can mend is one sentence and exit status 2."""
    run(app)


if __name__ == "__main__":
    main()
