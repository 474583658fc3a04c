"""`ood`, `ensemble` and `robustness`: what makes an answer one to rely on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models.checkpoint.card import ENSEMBLE, WEIGHTS_DIR
from retraining.cli.console import commands, console, progress_bar

app = commands()

Root = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
Splits = Annotated[Path, typer.Option(help="Folder of the split that the model was trained on.")]


@app.command()
def ensemble(
    members: Annotated[
        list[str], typer.Argument(help="Checkpoints, or folders of some, which are copied.")
    ],
    splits: Splits,
    name: Annotated[str, typer.Option(help="What to call the result.")] = ENSEMBLE,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Make a checkpoint that averages others, calibrate it on val and score it on test.

    Where its members have an out-of-distribution score, `ood` gives it one, too.
    """
    from retraining.publishing.ensemble import make_ensemble
    from retraining.publishing.publish import refresh_card

    folder = make_ensemble(members, name=name, root=root)
    with progress_bar() as bar:
        task = bar.add_task(f"classifying with {name}")
        refresh_card(
            name,
            splits,
            root=root,
            progress=lambda n, of: bar.update(task, completed=n, total=of),
        )
    console.print(str(folder))


@app.command()
def ood(
    name: Annotated[str, typer.Argument(help="A checkpoint.")],
    splits: Splits,
    root: Root = WEIGHTS_DIR,
    keep: Annotated[
        bool, typer.Option("--keep", help="Measure the score that is there; fit no other.")
    ] = False,
) -> None:
    """Fit a checkpoint's out-of-distribution score, choose its threshold on val and measure it."""
    from retraining.evaluation.ood import fit_ood

    with progress_bar() as bar:
        task = bar.add_task("scoring")
        card, evaluation = fit_ood(
            name,
            splits,
            root=root,
            anew=not keep,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    assert card.ood is not None
    assert evaluation.ood is not None
    table = Table(title=f"{name}, threshold {card.ood['threshold']:.3f}")
    for column in ("", "pictures", "views", "AUROC", "flagged as OOD"):
        table.add_column(column, justify="left" if not column else "right")
    for row in evaluation.ood["kinds"]:
        counts = (str(row["pictures"]), str(row["views"]))
        table.add_row(row["kind"], *counts, f"{row['auroc']['value']:.4f}", f"{row['flagged']:.1%}")
    table.add_section()
    wrong = evaluation.ood["false_positive_rate"]
    shares = {"test": wrong["all"]} | {f"test: {k}": v for k, v in wrong["by_class"].items()}
    shares |= {f"test, {k}": v for k, v in evaluation.ood["corruptions"]["flagged"].items()}
    for title, share in shares.items():
        table.add_row(title, "", "", "", f"{share:.1%}")
    console.print(table)


@app.command()
def robustness(
    models: Annotated[list[str], typer.Argument(help="Checkpoints, or folders of some.")],
    splits: Splits,
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    split: Annotated[str, typer.Option(help="The split that is classified.")] = "test",
    per_class: Annotated[int, typer.Option(help="At most so many images of a class.")] = 150,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Measure the accuracy lost under corruptions: colour, light, blur, noise, hair, vignette."""
    from retraining.evaluation.robustness import measure_robustness

    with progress_bar() as bar:
        task = bar.add_task("corrupting and classifying")
        found = measure_robustness(
            models,
            splits,
            out,
            split=split,
            per_class=per_class,
            root=root,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    for model, rows in found.groupby("model", sort=False):
        worst = rows.sort_values("lost").iloc[-1]
        console.print(
            f"{model}: balanced accuracy {rows.balanced_accuracy.iloc[0]:.3f} on clean images, "
            f"{rows.balanced_accuracy.iloc[-1]:.3f} in the mean of the corruptions, "
            f"{worst.balanced_accuracy:.3f} under {worst.corruption}"
        )
