"""Batches for Lightning, made by threads from memory-mapped arrays while others are learnt."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import lightning
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from retraining.data.index import pixels
from retraining.training.epoch_plan import Mix, Sampling
from retraining.training.features import FeatureSource
from retraining.training.settings import TrainConfig

EVALUATION_BATCH = 64
MOST_WORKERS = 8


class Batch(NamedTuple):
    """Inputs and labels; what training mixes; the rows of an evaluation.

    inputs: uint8 (N, H, W, 3), or features float32 (N, D).
    labels: int64 (N,).
    mix: of a training batch, None: not mixed.
    clean: what the teachers see of the inputs, like these; None: the same.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    mix: Mix | None = None
    clean: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The batch with its tensors on `device`."""
        return self._replace(
            inputs=self.inputs.to(device, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
            clean=None if self.clean is None else self.clean.to(device, non_blocking=True),
        )


@dataclass
class Batches:
    """A pass over `count` batches, each made by `make`; `waited` is how long they were awaited."""

    make: Callable[[int], Batch]
    count: int
    workers: int = 1
    waited: float = 0.0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Batch]:
        self.waited = 0.0
        pool = ThreadPoolExecutor(self.workers)
        coming: deque[Future[Batch]] = deque()
        try:
            for step in range(self.count + self.workers):
                if step < self.count:
                    coming.append(pool.submit(self.make, step))
                if step >= self.workers:
                    asked = time.monotonic()
                    batch = coming.popleft().result()
                    self.waited += time.monotonic() - asked
                    yield batch
        finally:
            pool.shutdown(cancel_futures=True)


class Data(lightning.LightningDataModule):
    """The batches of a run: each process of a distributed run gets its share of every batch."""

    def __init__(
        self,
        config: TrainConfig,
        frames: dict[str, pd.DataFrame],
        labels: dict[str, NDArray[np.int64]],
        sampling: Sampling,
        cache: Path,
        features: FeatureSource | None = None,
    ) -> None:
        super().__init__()
        self.config, self.frames, self.labels = config, frames, labels
        self.sampling, self.cache, self.features = sampling, cache, features
        self._arrays: dict[tuple[str, int], NDArray[np.uint8]] = {}
        self.training: Batches | None = None

    def source_size(self, size: int) -> int:
        """Side of the decoded pictures from which views for a stage of `size` are taken."""
        return self.config.augmentation.source_size(self.view_size(size))

    def view_size(self, size: int) -> int:
        """Side of the augmented pictures of a stage; teachers may want them larger."""
        return max(size, self.config.teacher_size) if self.config.teachers else size

    def prepare_data(self) -> None:
        """Decode the images of all stages, once per machine; run the backbone over them."""
        for size in {stage.size for stage in self.config.stages}:
            if self.features:
                for split in ("train", "val"):
                    self.features.prepare(split, size, self._pixels(split, size))
            else:
                self._pixels("train", self.source_size(size))
                self._pixels("val", size)

    def train_dataloader(self) -> Batches:
        """The batches of the trainer's epoch."""
        assert self.trainer is not None
        self.training = self.training_batches(
            self.trainer.current_epoch, self.trainer.global_rank, self._workers()
        )
        return self.training

    def training_batches(self, epoch: int, rank: int = 0, workers: int = 1) -> Batches:
        """The share of process `rank` of every batch of an epoch."""
        config = self.config
        size = config.size_of(epoch)
        view = self.view_size(size)
        plan = self.sampling.plan(epoch)
        labels = self.labels["train"]
        own = config.batch_size // config.processes
        share = slice(rank * own, (rank + 1) * own)
        views = self.features.views(size, self._pixels("train", size)) if self.features else None
        source = None if views is not None else self._pixels("train", self.source_size(size))

        def make(step: int) -> Batch:
            first = step * config.batch_size
            rows = plan.rows[first : first + config.batch_size][share]
            # All processes draw for the whole batch, so that a share is what it would have been.
            drawn = config.augmentation.draw(config.batch_size, plan.seeds[step])
            clean = None
            if views is not None:
                x, y = config.augmentation.mirrored(drawn)[share].T.astype(int)
                inputs = np.stack([views[v][row] for v, row in zip(2 * y + x, rows, strict=True)])
            else:
                assert source is not None
                moved = config.augmentation.moved(source[rows], view, drawn, share)
                inputs = config.augmentation.altered(moved, drawn, share)
                if config.teachers and config.teacher_view == "clean":
                    clean = torch.from_numpy(moved)
            known = torch.from_numpy(labels[rows])
            return Batch(torch.from_numpy(inputs), known, plan.mixes[step], clean)

        return Batches(make, self.sampling.steps, workers)

    def val_dataloader(self) -> Batches:
        """This process's share of val, at the size of the trainer's epoch.

        Shares are equally long: the last rows of some stand twice.
        """
        assert self.trainer is not None
        trainer, config = self.trainer, self.config
        size = config.size_of(min(trainer.current_epoch, config.epochs - 1))
        pictures = self._pixels("val", size)
        inputs = self.features.plain("val", size, pictures) if self.features else pictures
        labels = self.labels["val"]
        rows = share_of(len(labels), trainer.global_rank, trainer.world_size)

        def make(step: int) -> Batch:
            chosen = rows[step * EVALUATION_BATCH : (step + 1) * EVALUATION_BATCH]
            taken = np.ascontiguousarray(inputs[chosen])
            if config.val_view == "changed" and not self.features:
                taken = self._changed(pictures[chosen], chosen)
            return Batch(torch.from_numpy(taken), torch.from_numpy(labels[chosen]))

        return Batches(make, -(-len(rows) // EVALUATION_BATCH))

    def _changed(self, pictures: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures of val with what the seed and their row draw, whatever the epoch and process."""
        augmentation = self.config.augmentation
        drawn = (
            augmentation.draw(1, np.random.default_rng((self.config.seed, int(row))))
            for row in rows
        )
        return np.concatenate(
            [
                augmentation.altered(picture[None], one)
                for picture, one in zip(pictures, drawn, strict=True)
            ]
        )

    def _pixels(self, split: str, size: int) -> NDArray[np.uint8]:
        if (split, size) not in self._arrays:
            self._arrays[split, size] = pixels(self.frames[split], Path(), size, self.cache)
        return self._arrays[split, size]

    def _workers(self) -> int:
        if self.config.workers:
            return self.config.workers
        assert self.trainer is not None
        on_cpu = self.trainer.strategy.root_device.type == "cpu"
        return 1 if on_cpu else max(1, min(MOST_WORKERS, (os.cpu_count() or 2) - 1))


def share_of(count: int, rank: int, world: int) -> NDArray[np.int64]:
    """Rows of process `rank` of `world`, equally many for each."""
    padded = np.arange(-(-count // world) * world) % count
    return padded[rank::world]
