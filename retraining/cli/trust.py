"""`ood`, `ensemble`, `robustness` and `gate-study`: what makes an answer one to rely on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models.checkpoint.card import DEFAULT_MODEL, ENSEMBLE, WEIGHTS_DIR
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
    split: Annotated[str, typer.Option(help="The part that is changed and classified.")] = "test",
    per_class: Annotated[int, typer.Option(help="Most images of a class.")] = 150,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Measure what other colours and lights, hairs, dark corners, noise and the like cost."""
    from retraining.evaluation.robustness import study

    with progress_bar() as bar:
        task = bar.add_task("changing and classifying")
        found = study(
            models,
            splits,
            out,
            part=split,
            per_class=per_class,
            root=root,
            report=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    for model, rows in found.groupby("model", sort=False):
        worst = rows.sort_values("lost").iloc[-1]
        console.print(
            f"{model}: balanced accuracy {rows.balanced_accuracy.iloc[0]:.3f} as they are, "
            f"{rows.balanced_accuracy.iloc[-1]:.3f} in the mean of the changes, "
            f"{worst.balanced_accuracy:.3f} {worst.change}"
        )


@app.command()
def gate_study(
    splits: Splits,
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    model: Annotated[str, typer.Option(help="The checkpoint that classifies.")] = DEFAULT_MODEL,
    originals: Annotated[
        Path | None,
        typer.Option(help="Pictures of about 600 x 450; needed where the split's are smaller."),
    ] = None,
    per_class: Annotated[int, typer.Option(help="Most images of a class and part.")] = 300,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Measure what blur and lost contrast cost, and from which values on to ask for a retake."""
    from studies.gate.study import study

    with progress_bar() as bar:
        task = bar.add_task(f"degrading and classifying with {model}")
        found = study(
            splits,
            out,
            model,
            originals=originals,
            per_class=per_class,
            root=root,
            report=lambda n, of: bar.update(task, completed=n, total=of),
        )
    console.print(
        f"{out}: sharpness {found.min_laplacian:g}, gamma {found.min_gamma:g}; "
        "quality.gate.RECOMMENDED_THRESHOLDS holds what the product uses"
    )
