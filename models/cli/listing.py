"""What `python -m models list` shows."""

from pathlib import Path
from typing import Any

from models.checkpoint.card import WEIGHTS_DIR, available, load_card
from models.errors import CheckpointError
from models.export.export import exported
from models.registry.backbones import BACKBONES

# What a row has room for; the card and `--json` hold every metric.
HEADLINES = ("balanced_accuracy", "macro_auc", "malignant_auc")


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
    """The metrics that a row shows: those of `HEADLINES` on the test split, or else the first."""
    chosen = [m for m in metrics if m["metric"] in HEADLINES and m["split"] == "test"]
    return chosen or metrics[: len(HEADLINES)]


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
