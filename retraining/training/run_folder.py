"""A run folder: what a training leaves on disk."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from models.checkpoint.backbone_weights import backbone_state
from models.registry.backbones import build_network
from models.registry.taxonomy import HAM10000, Taxonomy
from quality.output import write_text
from retraining.data.splits import described
from retraining.training.config import load_config
from retraining.training.settings import CRITERIA, TrainConfig

CONFIG_FILE = "config.yaml"
LOG_FILE = "metrics.csv"  # as Lightning's CSVLogger calls it
STATE_FILE = "state.ckpt"
BEST_FILE = "best.pt"
SPLIT_FILE = "split.json"
RUN_FILE = "run.json"
CURVES_FILE = "curves.html"
# What a run may be continued with in another value: it says where, not what is trained.
HARDWARE = ("device", "devices", "num_nodes", "workers")
# Of curves.html: title of a panel, and the name of each column of the log in it.
CURVES = {
    "Loss": {"loss": ("train", "#1c7ed6"), "val_loss": ("val", "#e8590c")},
    "Scores on val": {
        "val_macro_auc": ("macro AUC", "#1c7ed6"),
        "val_balanced_accuracy": ("balanced accuracy", "#e8590c"),
        "val_macro_f1": ("macro F1", "#2f9e44"),
    },
    "Learning rate": {"lr": ("learning rate", "#1c7ed6")},
    "Seconds": {"seconds": ("seconds", "#1c7ed6")},
}

if TYPE_CHECKING:
    import torch

Epoch = dict[str, float]


def claim(out: Path, config: TrainConfig, splits: Mapping[str, pd.DataFrame]) -> None:
    """Write the resolved configuration and what describes the split.

    Raises ValueError where `out` holds a run of another configuration or on another split, or
    one that has no state to go on from.
    """
    check_claim(out, config)
    split = described(splits)
    path = out / SPLIT_FILE
    if path.is_file() and json.loads(path.read_text("utf-8"))["sha256"] != split["sha256"]:
        raise ValueError(f"{out} holds a run on another split; choose another --out")
    write_text(out / CONFIG_FILE, yaml.safe_dump(config.to_dict(), sort_keys=False))
    write_text(path, json.dumps(split, indent=2) + "\n")


def check_claim(out: Path, config: TrainConfig) -> None:
    """ValueError where `out` holds a run that `config` does not continue."""
    path = out / CONFIG_FILE
    if not path.is_file():
        return
    found = load_config(path)
    here = {key: getattr(config, key) for key in HARDWARE}
    if found.replace(**here) != config:
        theirs, ours = found.to_dict(), config.to_dict()
        key = next(k for k in ours if k not in HARDWARE and theirs[k] != ours[k])
        raise ValueError(
            f"{out} holds a run with another configuration ({key}: {theirs[key]!r} there, "
            f"{ours[key]!r} here); choose another --out"
        )
    if read_log(out) and not (out / STATE_FILE).is_file():
        raise ValueError(
            f"{out} holds a run without {STATE_FILE}, which cannot be continued; choose another "
            "--out"
        )


def finished(config: TrainConfig, log: Sequence[Epoch]) -> bool:
    """Whether a run with this log has no epoch left to learn."""
    if len(log) >= config.epochs:
        return True
    return bool(log and config.patience) and len(log) - best_epoch(config, log) >= config.patience


def best_epoch(config: TrainConfig, log: Sequence[Epoch]) -> int:
    """The epoch that is kept, counted from 1: the first with the best value of `monitor`."""
    column, largest = CRITERIA[config.monitor]
    values = [row[column] if largest else -row[column] for row in log]
    values = [-math.inf if math.isnan(value) else value for value in values]
    return values.index(max(values)) + 1


def kept_size(config: TrainConfig, log: Sequence[Epoch]) -> int:
    """Input size of the epoch that is kept, which need not be one of the last stage."""
    return config.size_of(best_epoch(config, log) - 1)


def read_log(out: Path) -> list[Epoch]:
    """The rows of a run's log, oldest first; without one that was cut off as it was written."""
    path = out / LOG_FILE
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        whole = [line for line in file if line.endswith("\n")]
    return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(whole)]


def read_run(out: Path) -> dict[str, Any]:
    """`run.json`: device, seconds of training, versions, taxonomy, provenance; {} without one."""
    path = out / RUN_FILE
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_run(out: Path, **values: Any) -> None:
    """Add or replace entries of `run.json`."""
    write_text(out / RUN_FILE, json.dumps(read_run(out) | values, indent=2) + "\n")


def run_taxonomy(out: Path) -> Taxonomy:
    """The classes that a run was trained on; HAM10000 where the run does not say."""
    found = read_run(out).get("taxonomy")
    return Taxonomy.from_dict(found) if found else HAM10000


def load_trained(run: Path) -> "tuple[torch.nn.Module, TrainConfig, Taxonomy]":
    """The kept network of a run, in evaluation mode, float32 on the CPU; its config and classes.

    A run that trained the last layer alone kept that alone; the rest is taken from where the run
    took it and checked. Raises ValueError where `run` holds no finished epoch, or the backbone is
    not the one that the last layer was trained on.
    """
    import torch

    if not (run / BEST_FILE).is_file():
        raise ValueError(
            f"{run} holds no finished epoch; train it with `python -m retraining train`"
        )
    config, taxonomy = load_config(run / CONFIG_FILE), run_taxonomy(run)
    state = torch.load(run / BEST_FILE, map_location="cpu", weights_only=True)
    source = read_run(run).get("backbone_weights")
    if source:
        state |= backbone_state(config.backbone, source, len(taxonomy))
    network = build_network(config.backbone, len(taxonomy))
    network.load_state_dict(state)
    return network.eval(), config, taxonomy


def write_curves(out: Path, config: TrainConfig, log: Sequence[Epoch]) -> None:
    """Write the log as a page of curves, which needs no network; the kept epoch is marked."""
    from plotly.subplots import make_subplots

    figure = make_subplots(2, 2, subplot_titles=list(CURVES))
    for panel, columns in enumerate(CURVES.values()):
        for column, (name, colour) in columns.items():
            figure.add_scatter(
                x=[row["epoch"] for row in log],
                y=[row.get(column) for row in log],
                name=name,
                line={"color": colour},
                mode="lines+markers",
                row=panel // 2 + 1,
                col=panel % 2 + 1,
            )
    best = best_epoch(config, log)
    figure.add_vline(x=best, line={"dash": "dot", "color": "#868e96"})
    figure.update_xaxes(title_text="epoch")
    title = f"{config.backbone}, {config.recipe or 'own settings'}: epoch {best} is kept"
    figure.update_layout(template="plotly_white", title=f"{title}, by {config.monitor}")
    write_text(out / CURVES_FILE, figure.to_html(include_plotlyjs=True))
