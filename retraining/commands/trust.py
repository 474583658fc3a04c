"""`ood`: what makes a checkpoint say that it does not know a picture."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models.checkpoints import WEIGHTS_DIR
from retraining.commands.console import commands, console, progress_bar

app = commands()

Root = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
Splits = Annotated[Path, typer.Option(help="Folder of the split that the model was trained on.")]


@app.command()
def ood(
    name: Annotated[str, typer.Argument(help="A checkpoint.")],
    splits: Splits,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Fit what tells dermatoscopic pictures from others; choose its threshold and measure it."""
    from retraining.ood import fit_ood

    with progress_bar() as bar:
        task = bar.add_task("scoring")
        card = fit_ood(
            name,
            splits,
            root=root,
            report=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    assert card.ood is not None
    table = Table(title=f"{name}, threshold {card.ood['threshold']:.3f}")
    for column in ("", "AUROC", "rejected"):
        table.add_column(column, justify="left" if not column else "right")
    for kind, area in card.ood["auroc"].items():
        if kind != "n":
            table.add_row(kind, f"{area:.4f}", f"{card.ood['rejected'][kind]:.1%}")
    table.add_section()
    for title, entry in (("test", "false_alarms"), ("variant", "rejected_variants_of_test")):
        for kind, share in card.ood[entry].items():
            if kind not in ("n", "split"):
                table.add_row(f"{title}: {kind}", "", f"{share:.1%}")
    console.print(table)
