"""`python -m models list`: the checkpoints that are there and the backbones that can be trained."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from models.checkpoint.card import WEIGHTS_DIR, available, load_card
from models.errors import CheckpointError
from models.export.export import exported
from models.registry.backbones import BACKBONES

# What a row has room for; the card has more, evaluation.json has all.
ROW_METRICS = ("balanced_accuracy", "macro_auc", "malignant_auc")


def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Show the checkpoints that are there and the backbones that can be trained."""
    if as_json:
        typer.echo(json.dumps(to_dict(), indent=2))
        return
    console = Console(highlight=False)
    for title, rows in (("Checkpoints", checkpoint_rows()), ("Backbones", backbone_rows())):
        table = Table(title=title, title_justify="left")
        for name in rows[0] if rows else ():
            table.add_column(name, overflow="fold", no_wrap=name == "version")
        for row in rows:
            table.add_row(*row.values())
        console.print(table if rows else f"{title}: none")


def to_dict(root: Path = WEIGHTS_DIR) -> dict[str, Any]:
    """Everything, JSON-ready: `checkpoints` with their cards, and `backbones`."""
    checkpoints = []
    for name in available(root):
        entry: dict[str, Any] = {"name": name, "folder": str(root / name)}
        try:
            ready = exported(name, root=root)
            entry |= {
                "card": load_card(root / name).to_dict(),
                "export": str(ready) if ready else None,
            }
        except CheckpointError as error:
            entry["error"] = str(error)
        checkpoints.append(entry)
    backbones = [
        {
            "name": entry.name,
            "library": entry.library,
            "weights": entry.weights,
            "input_size": entry.input_size,
            "licence": entry.licence,
            "paper": entry.paper,
        }
        for entry in BACKBONES.values()
    ]
    return {"checkpoints": checkpoints, "backbones": backbones}


def checkpoint_rows(root: Path = WEIGHTS_DIR) -> list[dict[str, str]]:
    """One row of text per checkpoint, with its metrics on data it was not trained on."""
    rows = []
    for name in available(root):
        try:
            card = load_card(root / name)
            rows.append(
                {
                    "name": name if name == card.backbone else f"{name} ({card.backbone})",
                    "version": card.version,
                    "input": str(card.preprocessing.input_size),
                    "metrics": "\n".join(map(metric_line, headlines(card.metrics))) or "none",
                    "prepared": "yes" if exported(name, root=root) else "no",
                }
            )
        except CheckpointError as error:
            columns = ("version", "input")
            rows.append(
                {"name": name}
                | dict.fromkeys(columns, "")
                | {"metrics": f"cannot be used: {error}", "prepared": ""}
            )
    return rows


def headlines(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The metrics that a row shows: those of `ROW_METRICS` on the test split, or else the first."""
    chosen = [m for m in metrics if m["metric"] in ROW_METRICS and m["split"] == "test"]
    return chosen or metrics[: len(ROW_METRICS)]


def metric_line(metric: dict[str, Any]) -> str:
    """One metric of a card as text: `macro_auc 0.912 (0.89-0.93), test, n=2003`."""
    text = f"{metric['metric']} {metric['value']:.3f}"
    if metric.get("low") is not None and metric.get("high") is not None:
        text += f" ({metric['low']:.3f}-{metric['high']:.3f})"
    return f"{text}, {metric['split']}, n={metric['n']}"


def backbone_rows() -> list[dict[str, str]]:
    """One row of text per backbone."""
    return [
        {
            "name": entry.name,
            "library": entry.library,
            "ImageNet weights": entry.weights,
            "input": str(entry.input_size),
            "licence": entry.licence,
        }
        for entry in BACKBONES.values()
    ]
