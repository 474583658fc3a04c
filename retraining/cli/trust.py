"""`ood`, `ensemble`, `robustness` and `advice-report`: what makes an answer one to rely on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models.checkpoint.card import ENSEMBLE, WEIGHTS_DIR
from retraining.cli.console import commands, console, progress_bar

app = commands()

Root = Annotated[Path, typer.Option(help="Folder of checkpoints.")]
Splits = Annotated[Path, typer.Option(help="Folder of the split that the model was trained on.")]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME=FOLDER",
        help="Pictures of other clinics: the folder of a split of the scheme parts; repeatable.",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(help="Keep what the model answers here; the next command asks it no more."),
]


@app.command()
def ensemble(
    members: Annotated[
        list[str], typer.Argument(help="Checkpoints, or folders of some, which are copied.")
    ],
    splits: Splits,
    name: Annotated[str, typer.Option(help="What to call the result.")] = ENSEMBLE,
    fit_weights: Annotated[
        bool,
        typer.Option(
            "--fit-weights",
            help="Fit how much each member counts, on val and the parts `choose` of the sources.",
        ),
    ] = False,
    source: Sources = None,
    cache: Cache = None,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Make a checkpoint that averages others, calibrate it on val and score it on test.

    Where its members have an out-of-distribution score, `ood` gives it one, too.
    """
    from models.checkpoint.card import load_card
    from retraining.evaluation.sources import read_sources
    from retraining.publishing.ensemble import locate_member, make_ensemble
    from retraining.publishing.member_weights import compare_weights
    from retraining.publishing.publish import refresh_card

    weights: list[float] = []
    if fit_weights:
        with progress_bar() as bar:
            task = bar.add_task("classifying with the members")
            rows = compare_weights(
                [locate_member(one, root, name) for one in members],
                splits,
                source or [],
                cache=cache,
                progress=lambda what, n, of: bar.update(
                    task, description=what, completed=n, total=of
                ),
            )
        counts = ", ".join(f"{count:,}" for count in rows[-1].n)
        table = Table(title=f"val and sources (n = {counts}), malignant as much as benign")
        for column in ("", "weights", "log loss", "malignant AUC"):
            table.add_column(column, justify="left" if not column else "right")
        for row in rows:
            shares = " ".join(f"{share:.2f}" for share in row.shares)
            table.add_row(row.what, shares, f"{row.log_loss:.4f}", f"{row.malignant_auc:.4f}")
        console.print(table)
        weights = rows[-1].shares
    folder = make_ensemble(members, name=name, root=root, weights=weights)
    with progress_bar() as bar:
        task = bar.add_task(f"classifying with {name}")
        refresh_card(
            name,
            splits,
            sources=read_sources(source or [], load_card(folder).taxonomy),
            cache=cache,
            root=root,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    console.print(str(folder))


@app.command()
def ood(
    name: Annotated[str, typer.Argument(help="A checkpoint.")],
    splits: Splits,
    source: Sources = None,
    something_else: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Pictures of anything but skin, in FOLDER/fit and FOLDER/choose, to tell apart.",
        ),
    ] = None,
    cache: Cache = None,
    root: Root = WEIGHTS_DIR,
    keep: Annotated[
        bool, typer.Option("--keep", help="Measure the score that is there; fit no other.")
    ] = False,
) -> None:
    """Fit a checkpoint's out-of-distribution score, choose its thresholds and measure it."""
    from models.checkpoint.card import load_card, locate
    from retraining.evaluation.ood import fit_ood
    from retraining.evaluation.sources import read_sources

    with progress_bar() as bar:
        task = bar.add_task("scoring")
        card, evaluation = fit_ood(
            name,
            splits,
            sources=read_sources(source or [], load_card(locate(name, root)).taxonomy),
            others=something_else,
            cache=cache,
            root=root,
            anew=not keep,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    assert card.ood is not None
    assert evaluation.ood is not None
    near, far = card.ood["threshold"], card.ood["far_threshold"]
    table = Table(title=f"{name}, near threshold {near:.3f}, far {far:.3f}")
    for column in ("", "pictures", "views", "AUROC", "flagged as OOD", "far"):
        table.add_column(column, justify="left" if not column else "right")
    for row in evaluation.ood["kinds"]:
        counts = (str(row["pictures"]), str(row["views"]))
        shares = (f"{row['flagged']:.1%}", f"{row['far']:.1%}")
        table.add_row(row["kind"], *counts, f"{row['auroc']['value']:.4f}", *shares)
    table.add_section()
    for row in evaluation.ood["sources"]:
        above = [f"{row[key]['value']:.1%}" for key in ("flagged", "far")]
        table.add_row(row["source"], f"{row['n']:,}", "", "", *above)
    table.add_section()
    wrong = evaluation.ood["false_positive_rate"]
    also = {f"test: {k}": v for k, v in wrong["by_class"].items()}
    also |= {f"test, {k}": v for k, v in evaluation.ood["corruptions"]["flagged"].items()}
    for title, share in also.items():
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


@app.command()
def advice_report(
    models: Annotated[list[str], typer.Argument(help="Checkpoints with measured cards.")],
    splits: Splits,
    out: Annotated[Path, typer.Option(help="Folder for the report.")],
    turned: Annotated[
        int, typer.Option(help="Images of test that every remedy is measured on.")
    ] = 200,
    cache: Cache = None,
    root: Root = WEIGHTS_DIR,
) -> None:
    """Report what advice rests on: operating points, OOD thresholds, turned pictures."""
    from retraining.reports.advice import write_advice_report

    with progress_bar() as bar:
        task = bar.add_task("turning")
        write_advice_report(
            models,
            splits,
            out,
            root=root,
            cache=cache,
            turned=turned,
            progress=lambda what, n, of: bar.update(task, description=what, completed=n, total=of),
        )
    console.print(str(out / "report.md"))
