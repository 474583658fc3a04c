"""A run folder: what a training leaves on disk."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from models.backbones import build_network
from models.taxonomy import HAM10000, Taxonomy
from retraining.config import TrainConfig, load_config
from retraining.files import write_text
from retraining.splits import split_hash

CONFIG_FILE = "config.yaml"
LOG_FILE = "log.csv"
STATE_FILE = "state.pt"
BEST_FILE = "best.pt"
SPLIT_FILE = "split.json"
RUN_FILE = "run.json"

if TYPE_CHECKING:
    import torch

Epoch = dict[str, float]


def claim(out: Path, config: TrainConfig, parts: Mapping[str, pd.DataFrame]) -> None:
    """Write the resolved configuration and the split's hash; ValueError where `out` is taken."""
    path = out / CONFIG_FILE
    text = yaml.safe_dump(config.to_dict(), sort_keys=False)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{out} holds a run with another configuration; choose another --out")
    write_text(path, text)
    split = {
        "sha256": split_hash(parts),
        "counts": {n: f.dx.value_counts().sort_index().to_dict() for n, f in parts.items()},
        "lesions": {n: int(f.lesion_id.nunique()) for n, f in parts.items()},
    }
    write_text(out / SPLIT_FILE, json.dumps(split, indent=2) + "\n")


def append_log(out: Path, epoch: int, row: Epoch) -> None:
    """Make `row` the last of the log: that of `epoch`, counted from 1."""
    rows = [*read_log(out)[: epoch - 1], row]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
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


def run_taxonomy(out: Path) -> Taxonomy:
    """The classes that a run was trained on; HAM10000 where the run does not say."""
    found = read_run(out).get("taxonomy")
    return Taxonomy.from_dict(found) if found else HAM10000


def load_trained(run: Path) -> "tuple[torch.nn.Module, TrainConfig, Taxonomy]":
    """The kept network of a run, in evaluation mode, float32 on the CPU; its config and classes.

    Raises ValueError where `run` holds no finished epoch.
    """
    import torch

    if not (run / BEST_FILE).is_file():
        raise ValueError(
            f"{run} holds no finished epoch; train it with `python -m retraining train`"
        )
    config, taxonomy = load_config(run / CONFIG_FILE), run_taxonomy(run)
    network = build_network(config.backbone, len(taxonomy))
    network.load_state_dict(torch.load(run / BEST_FILE, map_location="cpu", weights_only=True))
    return network.eval(), config, taxonomy
