"""Training: one engine for last layers, fine-tuning, training from scratch and distillation."""

import logging
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
import yaml
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.trainer.states import TrainerStatus
from torch import nn

from models.checkpoint.backbone_weights import backbone_sha256
from models.registry.backbones import get_backbone, get_layer, head_keys
from models.registry.taxonomy import Taxonomy
from quality.output import sweep
from retraining.data.splits import load_split, load_taxonomy
from retraining.progress import NamedProgressCallback
from retraining.training.batches import Data
from retraining.training.callbacks import (
    AtomicCheckpointIO,
    CheckpointCallback,
    ConsoleLogger,
    Emit,
    ProgressBar,
    run_loggers,
)
from retraining.training.devices import (
    choose_device,
    describe_device,
    torch_device,
    trainer_arguments,
)
from retraining.training.epoch_plan import Sampling
from retraining.training.features import FeatureSource
from retraining.training.first_weights import fingerprint, initial_network
from retraining.training.lesion_module import LesionModule
from retraining.training.networks import freeze
from retraining.training.run_folder import (
    CONFIG_FILE,
    STATE_FILE,
    best_epoch,
    claim,
    finished,
    read_log,
    write_run,
)
from retraining.training.settings import CRITERIA, TrainConfig

LIBRARIES = ("torch", "torchvision", "timm", "lightning", "numpy", "opencv-python-headless")

log = logging.getLogger(__name__)


class StoppedError(RuntimeError):
    """Ctrl-C: the run can be continued."""


def train(
    config: TrainConfig,
    out: Path,
    cache: Path,
    emit: Emit = log.info,
    *,
    bar: bool = False,
    progress: NamedProgressCallback | None = None,
) -> Path:
    """Train as `config` says and leave the run in `out`; continues a run that was stopped.

    bar: show a progress bar in the terminal.
    progress: called with how far the features of a frozen backbone are.

    The run folder gets the resolved configuration, the split's hash, a log with a row per epoch
    and its curves, the state to continue from, the kept weights of the epoch that
    `config.monitor` chooses on val, and `run.json`. Raises ValueError where `out` holds a run of
    another configuration, `StoppedError` after Ctrl-C.
    """
    splits = load_split(Path(config.splits))
    if "val" not in splits:
        raise ValueError(f"{config.splits} has no val.csv, which chooses the epoch to keep")
    taxonomy = load_taxonomy(Path(config.splits))
    first = getattr(rank_zero_only, "rank", 0) == 0
    if first:
        out.mkdir(parents=True, exist_ok=True)
        claim(out, config, splits)
        sweep(out)
    if finished(config, read_log(out)):
        return out
    with _quiet():
        run = Run(config, taxonomy, splits, cache, progress)
        if first:
            write_run(out, **run.about())
        run.fit(out, emit, bar)
    if first:
        rows = read_log(out)
        write_run(
            out,
            seconds=sum(row["seconds"] for row in rows),
            epochs=len(rows),
            best=rows[best_epoch(config, rows) - 1],
        )
    return out


class Run:
    """The parts of a training, put together."""

    def __init__(
        self,
        config: TrainConfig,
        taxonomy: Taxonomy,
        splits: dict[str, pd.DataFrame],
        cache: Path,
        progress: NamedProgressCallback | None = None,
    ) -> None:
        self.config, self.taxonomy = config, taxonomy
        frames = {name: splits[name] for name in ("train", "val")}
        labels = {
            name: np.array([taxonomy.index(code) for code in frame.dx], np.int64)
            for name, frame in frames.items()
        }
        self.device = choose_device(config.device)
        self.network = initial_network(config, len(taxonomy))
        start = fingerprint(config, self.network)
        sampling = Sampling(config, labels["train"], taxonomy.codes, start)
        freeze(self.network, config)
        self.backbone_weights: dict[str, Any] | None = None
        if config.head_only:
            self.backbone_weights = {
                "backbone": config.backbone,
                "weights": config.weights,
                "seed": config.seed,
                "sha256": backbone_sha256(config.backbone, self.network.state_dict()),
            }
        features = None
        learnt = self.network
        if uses_features(config):
            assert self.backbone_weights is not None
            features = FeatureSource(
                config,
                taxonomy,
                self.network.eval(),
                self.backbone_weights["sha256"],
                cache,
                torch_device(self.device),
                progress,
            )
            learnt = get_layer(self.network, get_backbone(config.backbone).head)
        self.data = Data(config, frames, labels, sampling, cache, features)
        self.module = LesionModule(
            config, taxonomy, learnt, sampling, on_features=features is not None
        )

    @property
    def trained(self) -> TrainConfig:
        """The settings with the precision that is used: float32 for a last layer on features."""
        if self.module.on_features:
            return self.config.replace(precision="f32")
        return self.config

    def about(self) -> dict[str, Any]:
        """What `run.json` says before the first epoch."""
        entry = get_backbone(self.config.backbone)
        return {
            "device": describe_device(self.device),
            "devices": self.config.devices,
            "num_nodes": self.config.num_nodes,
            "precision": trainer_arguments(self.trained)["precision"],
            "cached_features": self.module.on_features,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "trained_parameters": sum(
                p.numel() for p in self.network.parameters() if p.requires_grad
            ),
            "taxonomy": self.taxonomy.to_dict(),
            "pretrained": {
                "weights": self.config.weights,
                "source": entry.weights if self.config.weights == "imagenet" else None,
                "licence": entry.licence,
            },
            "backbone_weights": self.backbone_weights,
            "versions": {library: version(library) for library in LIBRARIES},
        }

    def kept_state(self, network: nn.Module) -> dict[str, torch.Tensor]:
        """What is kept of an evaluated network: of a frozen backbone's, the last layer alone.

        With the bias that classes are given.
        """
        state = network.state_dict()
        head = head_keys(self.config.backbone)
        if self.module.on_features:
            kept = {name: state[name.rpartition(".")[2]] for name in head}
        else:
            kept = {name: state[name] for name in head} if self.config.head_only else dict(state)
        return kept | {head[1]: kept[head[1]] + self.module.class_bias}

    def fit(self, out: Path, emit: Emit, bar: bool) -> None:
        """Learn the epochs that are left."""
        config = self.config
        callbacks: list[lightning.Callback] = [ProgressBar(config) if bar else ConsoleLogger(emit)]
        if config.patience:
            column, largest = CRITERIA[config.monitor]
            callbacks.append(
                EarlyStopping(column, patience=config.patience, mode="max" if largest else "min")
            )
        callbacks.append(CheckpointCallback(out, config, self.kept_state, emit))
        loggers = run_loggers(out)
        for logger in loggers:
            logger.log_hyperparams(config.to_dict())
        trainer = lightning.Trainer(
            **trainer_arguments(self.trained),
            max_epochs=config.epochs,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            default_root_dir=out,
            logger=loggers,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=bar,
            num_sanity_val_steps=0,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
        )
        state = out / STATE_FILE
        interrupt = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(
                self.module,
                datamodule=self.data,
                ckpt_path=state if state.is_file() else None,
                weights_only=True,
            )
        except SystemExit:
            # Lightning's answer to Ctrl-C, after which it turns a deaf ear to another.
            signal.signal(signal.SIGINT, interrupt)
            if trainer.state.status != TrainerStatus.INTERRUPTED:
                raise
            done = len(read_log(out))
            raise StoppedError(
                f"stopped after {done} of {config.epochs} epochs; the same command continues "
                f"the run in {out}"
            ) from None


def uses_features(config: TrainConfig) -> bool:
    """Whether the last layer is trained on cached features; ValueError where it cannot be."""
    hindrances = {
        "freeze is not backbone, or unfreeze names layers": not config.head_only,
        "augmentation does more than mirror": not config.augmentation.mirrors_only,
        "mixup and cutmix change pictures": bool(config.mixup or config.cutmix),
        "teachers look at pictures": bool(config.teachers),
    }
    found = [reason for reason, holds in hindrances.items() if holds]
    if found and config.cached_features == "always":
        raise ValueError(f"cached_features: always is not possible: {found[0]}")
    return not found and config.cached_features != "never"


def train_several(
    configs: Sequence[TrainConfig], out: Path, train_one: Callable[[TrainConfig, Path], object]
) -> list[Path]:
    """Train each backbone into `out/BACKBONE`, one after the other; returns the folders.

    Where several processes share a training each gets a command of its own, because Lightning
    starts the others with the command line of the first.
    """
    folders = [out / config.backbone for config in configs]
    for config, folder in zip(configs, folders, strict=True):
        if config.processes == 1:
            train_one(config, folder)
            continue
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / CONFIG_FILE
            file.write_text(yaml.safe_dump(config.to_dict()), encoding="utf-8")
            command = [sys.executable, "-m", "retraining", "train", "--config", str(file)]
            done = subprocess.run([*command, "--out", str(folder)], check=False)
        if done.returncode:
            raise StoppedError(f"the training of {config.backbone} ended with {done.returncode}")
    return folders


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's greetings and its advice, which is for those who write trainers."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
