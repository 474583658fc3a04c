"""What a model costs: size, arithmetic, time for an image as it is served, time of training."""

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.checkpoint.card import (
    WEIGHTS_DIR,
    WEIGHTS_FILE,
    Card,
    load_card,
    locate,
    member_folders,
)
from models.checkpoint.provenance import load_provenance
from models.checkpoint.weights import load_network, save_checkpoint
from models.registry.backbones import get_backbone
from quality.output import write_text
from retraining.evaluation.evaluation_folder import Evaluation, load_evaluation
from retraining.training.run_folder import load_trained, read_log, read_run

if TYPE_CHECKING:
    from torch import nn

    from models.inference.classifier import Classifier

COST_FILE = "cost.json"
PICTURE = (450, 600, 3)  # of HAM10000's images: decoded height, width, channels
REPEATS = 30
BATCH = 32


def measure_cost(
    folder: Path, *, root: Path = WEIGHTS_DIR, repeats: int = REPEATS
) -> dict[str, Any]:
    """Measure the model of an evaluation folder, write `cost.json` there and return it.

    `parameters`; `gmacs`: billions of multiply-adds for one image at its input size; `file_mb`:
    of the weights, 10^6 bytes; `latency_ms`: median for one decoded 600x450 image, resizing
    included, all cores at its service; `images_per_second`: of a batch of 32; both in the
    served form on this machine; `training_seconds`: of all epochs, None where unknown.
    """
    evaluation = load_evaluation(folder)
    with tempfile.TemporaryDirectory() as scratch:
        if evaluation.checkpoint:
            checkpoint = locate(evaluation.checkpoint, root)
        else:
            checkpoint = _as_checkpoint(folder, Path(scratch))
        found = of_checkpoint(checkpoint, Path(scratch) / "exports", repeats, evaluation.views)
    if not evaluation.checkpoint:
        found |= _training(read_log(folder), str(read_run(folder).get("device", "")))
    found["weights"] = evaluation.weights
    write_text(folder / COST_FILE, json.dumps(found, indent=2) + "\n")
    return found


def of_checkpoint(
    checkpoint: Path, cache: Path | None, repeats: int = REPEATS, views: int = 1
) -> dict[str, Any]:
    """Cost of a checkpoint's folder, an ensemble's with all its members.

    cache: its export is made there where it is not there; views: of every picture.
    """
    from models.export.export import export
    from models.inference.classifier import Classifier

    card, training = load_card(checkpoint), load_provenance(checkpoint).training
    parts = [load_network(folder) for folder in member_folders(checkpoint, card) or [checkpoint]]
    files = [folder / WEIGHTS_FILE for folder in member_folders(checkpoint, card) or [checkpoint]]
    export(checkpoint, cache)
    classifier = Classifier(checkpoint, cache=cache, tta=views if views > 1 else False)
    arithmetic = [gmacs(network, part.preprocessing.input_size) for network, part in parts]
    return {
        "parameters": sum(p.numel() for network, _ in parts for p in network.parameters()),
        "gmacs": views * sum(arithmetic),
        "file_mb": sum(file.stat().st_size for file in files) / 1e6,
        **speed(classifier, repeats),
        "precision": classifier.precision,
        "processor": processor(),
        "cores": os.cpu_count(),
        **_training(training.get("log", []), str(training.get("device", ""))),
    }


def gmacs(network: "nn.Module", size: int) -> float:
    """Billions of multiply-adds of the convolutions and matrix products for one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, size, size))
    return float(counter.get_total_flops()) / 2e9


def speed(classifier: "Classifier", repeats: int = REPEATS) -> dict[str, float]:
    """Milliseconds for one picture, median, and pictures per second of a batch."""
    picture = np.random.default_rng(0).integers(0, 256, PICTURE, np.uint8)
    for _ in range(3):
        classifier.predict([picture])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        classifier.predict([picture])
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    classifier.predict([picture] * BATCH)
    whole = time.perf_counter() - start
    return {"latency_ms": 1000 * statistics.median(times), "images_per_second": BATCH / whole}


def processor() -> str:
    """The name of this machine's processor, or its architecture."""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_cost(folder: Path, evaluation: Evaluation) -> dict[str, Any]:
    """What was measured for these weights; {} where nothing was."""
    path = folder / COST_FILE
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("weights") == evaluation.weights else {}


def _as_checkpoint(run: Path, scratch: Path) -> Path:
    network, config, taxonomy = load_trained(run)
    size = load_evaluation(run).input_size
    card = Card(
        name=run.name,
        version="",
        backbone=config.backbone,
        taxonomy=taxonomy,
        preprocessing=get_backbone(config.backbone).preprocessing(size),
        licence="",
    )
    save_checkpoint(scratch / run.name, network.state_dict(), card)
    return scratch / run.name


def _training(log: Sequence[dict[str, Any]], device: str) -> dict[str, Any]:
    seconds = [float(row["seconds"]) for row in log if "seconds" in row]
    return {
        "training_seconds": sum(seconds) if seconds else None,
        "training_epochs": len(log) or None,
        "training_device": device,
    }
