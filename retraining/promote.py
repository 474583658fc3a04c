"""From an evaluated run to a checkpoint that the dashboard offers."""

import importlib.metadata
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from models.backbones import get_backbone
from models.checkpoints import Card, file_sha256, save_checkpoint
from models.taxonomy import HAM10000
from retraining.config import TrainConfig, load_config
from retraining.evaluate import CALIBRATION_FILE
from retraining.runs import BEST_FILE, CONFIG_FILE, SPLIT_FILE, Epoch, read_log

DATA = {
    "name": "HAM10000",
    "source": "Harvard Dataverse, doi:10.7910/DVN/DBW86T",
    "paper": (
        "Tschandl, P., Rosendahl, C. & Kittler, H. The HAM10000 dataset, a large collection of "
        "multi-source dermatoscopic images of common pigmented skin lesions. Sci. Data 5, 180161 "
        "(2018), doi:10.1038/sdata.2018.161"
    ),
    "licence": "CC BY-NC 4.0",
}
INTENDED_USE = (
    "Decision support for health professionals who look at dermatoscopic photographs of pigmented "
    "skin lesions, and research. Not a diagnosis, not a medical device, and not for patients' own "
    "use. Non-commercial: the training data is licensed CC BY-NC 4.0."
)
LIMITS = [
    "Trained on dermatoscopic images alone: the answer for any other picture means nothing.",
    "Knows seven classes: every lesion is given to one of them, whatever it is.",
    "HAM10000 comes from Austria and Australia, from two clinics and few devices; dark skin, "
    "children, nails, mucosa and the palms and soles are rare in it or absent.",
    "Sensitivity per class is in the metrics; rare classes have wide intervals.",
]
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless")


def promote_run(run: Path, root: Path, name: str | None = None) -> Path:
    """Write `root/NAME/` from the kept weights of a run that was evaluated on test.

    Returns the folder. Raises ValueError where the run was not evaluated.
    """
    for needed, command in (
        (BEST_FILE, "train"),
        (CALIBRATION_FILE, "evaluate"),
        ("metrics_test.json", "evaluate --split test"),
    ):
        if not (run / needed).is_file():
            raise ValueError(f"{run} has no {needed}; run `python -m retraining {command}` first")
    config = load_config(run / CONFIG_FILE)
    name = name or config.backbone
    calibration = _read(run / CALIBRATION_FILE)
    if calibration.pop("weights_sha256") != file_sha256(run / BEST_FILE):
        raise ValueError(
            f"{run} was trained further since its evaluation; run "
            "`python -m retraining evaluate` again"
        )
    log = read_log(run)
    card = Card(
        name=name,
        version=datetime.now(UTC).strftime("%Y.%m.%d"),
        backbone=config.backbone,
        taxonomy=HAM10000,
        preprocessing=get_backbone(config.backbone).preprocessing(calibration["input_size"]),
        temperature=calibration["temperature"],
        prior={code: 1 / len(HAM10000) for code in HAM10000.codes},
        metrics=[*_read(run / "metrics_test.json"), *_read(run / "metrics_val.json", [])],
        description=describe(config, log),
        intended_use=INTENDED_USE,
        limits=LIMITS,
        provenance=provenance(config),
        training={
            # The folder of the split is the trainer's own; the split's hash says which it was.
            "config": {k: v for k, v in config.to_dict().items() if k != "splits"},
            "log": log,
            "calibration": calibration,
        },
        split=_read(run / SPLIT_FILE),
        licence="CC BY-NC 4.0",
        versions={library: importlib.metadata.version(library) for library in LIBRARIES},
    )
    state = torch.load(run / BEST_FILE, map_location="cpu", weights_only=True)
    save_checkpoint(root / name, state, card)
    return root / name


def describe(config: TrainConfig, log: list[Epoch]) -> str:
    """How the network was made, in sentences."""
    entry = get_backbone(config.backbone)
    start = {
        "imagenet": f"from ImageNet weights ({entry.weights})",
        "none": "from random weights, without ImageNet pretraining",
    }.get(config.weights, "from the weights of another checkpoint")
    run = Counter(int(row["size"]) for row in log)
    sizes = ", ".join(f"{epochs} epochs at {size} pixels" for size, epochs in run.items())
    text = (
        f"{entry.name}, all layers trained {start} on the training part of HAM10000, split by "
        f"lesion: {sizes}. "
    )
    kept = max(log, key=lambda row: row["val_macro_auc"])
    text += (
        f"Kept are the averaged weights after epoch {kept['epoch']:.0f} of {len(log)} "
        f"({config.epochs} were planned), which had the highest macro AUC on val."
    )
    if config.teachers:
        teachers = ", ".join(Path(t).name for t in config.teachers)
        text += (
            f" {config.distill:.0%} of the loss asks for the probabilities of {teachers}, trained "
            "on the same part, for the same augmented views."
        )
    return text


def provenance(config: TrainConfig) -> dict[str, Any]:
    """Where weights and data come from."""
    entry = get_backbone(config.backbone)
    weights: dict[str, Any] = {"start": config.weights, "architecture": entry.paper}
    if config.weights == "imagenet":
        weights |= {"source": entry.weights, "licence": entry.licence}
    return {"data": DATA, "weights": weights, "teachers": [Path(t).name for t in config.teachers]}


def _read(path: Path, default: Any = None) -> Any:
    if default is not None and not path.is_file():
        return default
    return json.loads(path.read_text(encoding="utf-8"))
