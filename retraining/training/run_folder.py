"""A run folder: what a training leaves on disk."""

import csv
import dataclasses
import io
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
from retraining.training.config import CRITERIA, TrainConfig, load_config

CONFIG_FILE = "config.yaml"
LOG_FILE = "log.csv"
STATE_FILE = "state.ckpt"
BEST_FILE = "best.pt"
SPLIT_FILE = "split.json"
RUN_FILE = "run.json"
CURVES_FILE = "curves.html"
# What a run may be continued with in another value: it says where, not what is trained.
HARDWARE = ("device", "devices", "num_nodes", "workers")

if TYPE_CHECKING:
    import torch

Epoch = dict[str, float]


def claim(out: Path, config: TrainConfig, parts: Mapping[str, pd.DataFrame]) -> None:
    """Write the resolved configuration and what describes the split.

    Raises ValueError where `out` holds a run of another configuration or on another split, or
    one that has no state to go on from.
    """
    check_claim(out, config)
    split = described(parts)
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
    if dataclasses.replace(found, **here) != config:
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
    """The epoch that is kept, counted from 1: the first with the best value of `best_by`."""
    column, largest = CRITERIA[config.best_by]
    values = [row[column] if largest else -row[column] for row in log]
    values = [-math.inf if math.isnan(value) else value for value in values]
    return values.index(max(values)) + 1


def kept_size(config: TrainConfig, log: Sequence[Epoch]) -> int:
    """Input size of the epoch that is kept, which need not be one of the last stage."""
    return config.size_of(best_epoch(config, log) - 1)


def append_log(out: Path, epoch: int, row: Epoch) -> None:
    """Make `row` the last of the log: that of `epoch`, counted from 1."""
    rows = [*read_log(out)[: epoch - 1], row]
    whole = [row | {key: int(row[key]) for key in ("epoch", "size")} for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), lineterminator="\n")
    writer.writeheader()
    writer.writerows(whole)
    write_text(out / LOG_FILE, text.getvalue())


def read_log(out: Path) -> list[Epoch]:
    """The rows of a run's log, oldest first."""
    path = out / LOG_FILE
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


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
