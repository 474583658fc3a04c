"""Training: one loop for fine-tuning, training from scratch and distillation."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.backbones import build_network, get_backbone
from models.checkpoints import load_state_dict, locate
from models.taxonomy import HAM10000
from retraining.config import TrainConfig
from retraining.data import pixels
from retraining.files import replacing
from retraining.metrics import balanced_accuracy, macro_auc
from retraining.pretrained import pretrained_network
from retraining.runs import BEST_FILE, STATE_FILE, Epoch, append_log, claim
from retraining.splits import load_split
from retraining.teachers import Teacher, mean_log_probabilities
from retraining.tensors import has_bf16, normalised, predict_logits, resized

# Random crops, rotations and stretches are taken from pictures so much larger than the input
# that they do not lose sharpness, and no larger, so that they do not alias.
OVERSAMPLING = 1.15

log = logging.getLogger(__name__)


def train(
    config: TrainConfig, out: Path, cache: Path, report: Callable[[str], None] = log.info
) -> Path:
    """Train as `config` says and leave the run in `out`; continues a run that was stopped.

    The run folder gets the resolved configuration, the split's hash, a log with a row per epoch,
    the state to continue from and the averaged weights of the epoch with the highest macro AUC
    on val. Raises ValueError where `out` holds a run of another configuration.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts = load_split(Path(config.splits))
    if "val" not in parts:
        raise ValueError(f"{config.splits} has no val.csv, which chooses the epoch to keep")
    claim(out, config, parts)
    trainer = Trainer(config, parts["train"], parts["val"], cache)
    trainer.resume(out)
    while trainer.epoch < config.epochs:
        row = trainer.run_epoch(report)
        trainer.save(out, row)
        report(" ".join(f"{key} {value:.4g}" for key, value in row.items()))
    return out


class Trainer:
    """The state of a run between epochs."""

    def __init__(
        self, config: TrainConfig, train: pd.DataFrame, val: pd.DataFrame, cache: Path
    ) -> None:
        self.config = config
        self.frames = {"train": train, "val": val}
        self.cache = cache
        self.labels = {
            name: np.array([HAM10000.index(code) for code in frame.dx])
            for name, frame in self.frames.items()
        }
        torch.manual_seed(config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and has_bf16())
        self.network = self._initial().to(self.device)
        if config.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self.average = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True
        )
        self.teachers = [Teacher.load(name, self.device) for name in config.teachers]
        frequency = np.bincount(self.labels["train"], minlength=len(HAM10000)).astype(float)
        if (frequency == 0).any():
            raise ValueError("every class needs at least one image in train")
        self.drawn = frequency ** (1 - config.sampling)
        self.drawn /= self.drawn.sum()
        self.weights = (self.drawn / frequency)[self.labels["train"]]
        self.weights /= self.weights.sum()
        # Added to the logits in the loss, so that the logits themselves stand for evenly
        # frequent classes (Menon et al., Long-tail learning via logit adjustment, ICLR 2021).
        self.log_prior = torch.from_numpy(np.log(self.drawn)).float().to(self.device)
        self.steps_per_epoch = len(train) // config.batch_size
        if self.steps_per_epoch < 1:
            raise ValueError(
                f"batch_size is {config.batch_size}, but train has {len(train)} images"
            )
        self.optimizer = self._optimizer()
        steps = config.epochs * self.steps_per_epoch
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=[group["lr"] for group in self.optimizer.param_groups],
            total_steps=steps,
            pct_start=max(config.warmup, 2 / steps),  # a rise of one step divides by zero
            cycle_momentum=False,
        )
        self.epoch = 0
        self.best = -math.inf

    def _initial(self) -> nn.Module:
        config = self.config
        if config.weights == "imagenet":
            return pretrained_network(config.backbone, len(HAM10000))
        network = build_network(config.backbone, len(HAM10000))
        if config.weights != "none":
            network.load_state_dict(load_state_dict(locate(config.weights)))
        return network

    def _optimizer(self) -> torch.optim.Optimizer:
        config = self.config
        # Biases and normalisation are not decayed: they have no scale to keep small.
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed, "weight_decay": config.weight_decay, "lr": config.lr},
            {"params": others, "weight_decay": 0.0, "lr": config.lr},
        ]
        if config.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=config.momentum, nesterov=True)
        return torch.optim.AdamW(groups)

    def run_epoch(self, report: Callable[[str], None] = log.info) -> Epoch:
        """One pass of `len(train)` drawn images, then the evaluation on val."""
        config, size = self.config, self.config.size_of(self.epoch)
        rng = np.random.default_rng((config.seed, self.epoch))
        torch.manual_seed(config.seed + self.epoch)
        start = time.monotonic()
        losses, waited = [], 0.0
        self.network.train()
        batches = self._batches(size, rng)
        while True:
            asked = time.monotonic()
            batch = next(batches, None)
            waited += time.monotonic() - asked
            if batch is None:
                break
            losses.append(self._step(*batch, size, rng))
            if len(losses) % 20 == 0:
                spent = time.monotonic() - start
                left = spent / len(losses) * (self.steps_per_epoch - len(losses))
                report(
                    f"epoch {self.epoch} step {len(losses)}/{self.steps_per_epoch} "
                    f"loss {np.mean(losses[-20:]):.4f} left {left:.0f} s"
                )
        val = self.evaluate(size)
        self.epoch += 1
        return {
            "epoch": self.epoch,
            "size": size,
            "lr": float(self.scheduler.get_last_lr()[0]),
            "loss": float(np.mean(losses)),
            **val,
            "seconds": time.monotonic() - start,
            "waiting_share": waited / (time.monotonic() - start),
        }

    def _batches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Augmented pictures and labels; the next batch is made while one is learnt."""
        if self.teachers:
            size = max(size, self.config.teacher_size)
        source = self._pixels("train", round(size * OVERSAMPLING))
        count = self.steps_per_epoch * self.config.batch_size
        drawn = rng.choice(len(self.weights), count, p=self.weights)
        seeds = rng.spawn(self.steps_per_epoch)

        def make(step: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
            rows = drawn[step * self.config.batch_size : (step + 1) * self.config.batch_size]
            pictures = self.config.augmentation(source[rows], size, seeds[step])
            return pictures, self.labels["train"][rows]

        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(make, 0)
            for step in range(self.steps_per_epoch):
                batch = coming.result()
                if step + 1 < self.steps_per_epoch:
                    coming = pool.submit(make, step + 1)
                yield batch

    def _pixels(self, part: str, size: int) -> NDArray[np.uint8]:
        return pixels(self.frames[part], Path(), size, self.cache)

    def _step(
        self,
        pictures: NDArray[np.uint8],
        labels: NDArray[np.int64],
        size: int,
        rng: np.random.Generator,
    ) -> float:
        config = self.config
        raw = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float() / 255
        target = functional.one_hot(torch.from_numpy(labels).to(self.device), len(HAM10000)).float()
        if config.mixup > 0:
            share = float(rng.beta(config.mixup, config.mixup))
            other = torch.from_numpy(rng.permutation(len(labels))).to(self.device)
            raw = share * raw + (1 - share) * raw[other]
            target = share * target + (1 - share) * target[other]
        smooth = config.label_smoothing
        target = target * (1 - smooth) + smooth / len(HAM10000)
        backbone = get_backbone(config.backbone)
        view = normalised(resized(raw, size), backbone.mean, backbone.std)
        with self._autocast():
            logits = self.network(view)
        logits = logits.float() + self.log_prior
        loss = functional.cross_entropy(logits, target)
        if self.teachers:
            with self._autocast():
                soft = mean_log_probabilities(self.teachers, raw)
            warm = config.distill_temperature
            learnt = functional.kl_div(
                functional.log_softmax(logits / warm, 1),
                functional.softmax((soft + self.log_prior) / warm, 1),
                reduction="batchmean",
            )
            loss = (1 - config.distill) * loss + config.distill * warm**2 * learnt
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimizer.step()
        self.scheduler.step()
        self.average.update_parameters(self.network)
        return float(loss.detach())

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def evaluate(self, size: int) -> Epoch:
        """Scores of the averaged network on val at one input size."""
        backbone = get_backbone(self.config.backbone)
        logits = predict_logits(
            self.average.module,
            self._pixels("val", size),
            backbone.preprocessing(size),
            bf16=self.bf16,
        )
        labels = self.labels["val"]
        return {
            "val_balanced_accuracy": balanced_accuracy(labels, logits.argmax(1), len(HAM10000)),
            "val_macro_auc": macro_auc(labels, logits),
        }

    def save(self, out: Path, row: Epoch) -> None:
        """Write the state, the best weights and the log, each whole or not at all."""
        if row["val_macro_auc"] > self.best:
            self.best = row["val_macro_auc"]
            with replacing(out / BEST_FILE) as temporary:
                torch.save(self.average.module.state_dict(), temporary)
        append_log(out, self.epoch, row)
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "epoch": self.epoch,
            "best": self.best,
        }
        with replacing(out / STATE_FILE) as temporary:
            torch.save(state, temporary)

    def resume(self, out: Path) -> None:
        """Continue from the last whole epoch of the run in `out`, if there is one."""
        path = out / STATE_FILE
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.epoch, self.best = state["epoch"], state["best"]
