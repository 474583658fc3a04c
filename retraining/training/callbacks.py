"""What happens around the steps of a training: files, logs, lines or a bar."""

import math
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from quality.output import replacing
from retraining.training.batches import Data
from retraining.training.lesion_module import LesionModule
from retraining.training.run_folder import BEST_FILE, STATE_FILE, Epoch, write_curves
from retraining.training.settings import CRITERIA, TrainConfig

Emit = Callable[[str], None]
LINE_EVERY = 20.0  # seconds between lines within an epoch
METRICS_EVERY = 20  # steps between readings of the loss, each of which waits for the device


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and moves it there, so that it is whole or absent."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write `checkpoint` in place of one that is there."""
        with replacing(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


class CheckpointCallback(Callback):
    """After every epoch: the best weights, a row of the log, the state to continue from.

    In this order: an epoch that was cut off is learnt again and writes the same.
    state_of: the tensors to keep of the network that is evaluated.
    """

    def __init__(
        self,
        out: Path,
        config: TrainConfig,
        state_of: Callable[[torch.nn.Module], dict[str, torch.Tensor]],
        emit: Emit,
    ) -> None:
        self.out, self.config, self.state_of, self.emit = out, config, state_of, emit
        self.column, self.largest = CRITERIA[config.monitor]
        self.best = -math.inf
        self.rows: list[Epoch] = []
        self.began = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The best value and the rows of the log so far."""
        return {"best": self.best, "rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue a run that was stopped."""
        self.best, self.rows = state_dict["best"], state_dict["rows"]

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Give the log the rows of the state: the logger begins a file of its own."""
        for row in self.rows:
            log_row(trainer.loggers[:1], row)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock."""
        self.began = time.monotonic()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write what the epoch gave."""
        assert isinstance(pl_module, LesionModule)
        row = self._row(trainer, pl_module)
        value = row[self.column] if self.largest else -row[self.column]
        first = self.best == -math.inf
        if value > self.best or first:
            self.best = value if not math.isnan(value) else self.best
            if trainer.is_global_zero:
                with replacing(self.out / BEST_FILE) as temporary:
                    torch.save(self.state_of(pl_module.kept), temporary)
        self.rows = [*self.rows, row]
        log_row(trainer.loggers, row)
        if trainer.is_global_zero:
            self.emit(epoch_line(self.config, self.rows))
        trainer.save_checkpoint(self.out / STATE_FILE)

    def on_train_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Draw the curves of all epochs."""
        self._draw(trainer)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Draw the curves of the epochs that there are."""
        self._draw(trainer)

    def _draw(self, trainer: lightning.Trainer) -> None:
        if trainer.is_global_zero and self.rows:
            write_curves(self.out, self.config, self.rows)

    def _row(self, trainer: lightning.Trainer, module: LesionModule) -> Epoch:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, Data)
        assert data.training is not None
        seconds = time.monotonic() - self.began
        return {
            "epoch": trainer.current_epoch + 1,
            "size": self.config.size_of(trainer.current_epoch),
            "lr": module.learning_rate(),
            "loss": module.epoch_loss(),
            **module.scores,
            "seconds": seconds,
            "waiting_share": data.training.waited / seconds,
        }


def run_loggers(out: Path) -> list[Logger]:
    """Lightning's CSV log of the run in `out`, and TensorBoard's where it is installed."""
    # Without a name and a version the log lies in the run folder itself.
    found: list[Logger] = [CSVLogger(out, name="", version="", flush_logs_every_n_steps=1)]
    if find_spec("tensorboard"):
        found.append(TensorBoardLogger(out, "tensorboard", version="", default_hp_metric=False))
    return found


def log_row(loggers: Sequence[Logger], row: Epoch) -> None:
    """Give `row` to the loggers as that of its epoch."""
    for logger in loggers:
        logger.log_metrics(dict(row), step=int(row["epoch"]))


def epoch_line(config: TrainConfig, log: list[Epoch]) -> str:
    """What to say of the last epoch of a log."""
    row = log[-1]
    left = sum(r["seconds"] for r in log) / len(log) * (config.epochs - len(log))
    return (
        f"epoch {len(log)}/{config.epochs} size {row['size']:.0f} lr {row['lr']:.2g} "
        f"loss {row['loss']:.4f} val_loss {row['val_loss']:.4f} "
        f"balanced accuracy {row['val_balanced_accuracy']:.3f} "
        f"macro AUC {row['val_macro_auc']:.4f} macro F1 {row['val_macro_f1']:.3f} "
        f"in {row['seconds']:.1f} s, {row['waiting_share']:.0%} waiting for data; "
        f"{duration(left)} left"
    )


def duration(seconds: float) -> str:
    """So many seconds as people say them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class ConsoleLogger(Callback):
    """A line now and then within an epoch, for output that is kept in a file."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.began = self.last = 0.0

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Start the clock."""
        self.began = self.last = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Say how far the epoch is."""
        now = time.monotonic()
        if now - self.last < LINE_EVERY or not trainer.is_global_zero:
            return
        self.last = now
        assert isinstance(pl_module, LesionModule)
        done, steps = batch_idx + 1, pl_module.sampling.steps
        recent = torch.stack(pl_module.losses[-METRICS_EVERY:]).mean()
        self.emit(
            f"epoch {trainer.current_epoch + 1} step {done}/{steps} loss {float(recent):.4f}, "
            f"{duration((now - self.began) / done * (steps - done))} left of it"
        )


class ProgressBar(RichProgressBar):
    """Lightning's bar with loss, learning rate, the last scores on val and the time left."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(refresh_rate=4, theme=RichProgressBarTheme(metrics_format=".4g"))
        self.config = config
        self.shown: dict[str, Any] = {}
        self.began = time.monotonic()
        self.first_step = -1

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, Any]:
        """What stands beside the bar, read anew every few steps."""
        assert isinstance(pl_module, LesionModule)
        step = trainer.global_step
        if self.first_step < 0:
            self.first_step, self.began = step, time.monotonic()
        if step % METRICS_EVERY == 0 or not self.shown:
            done = step - self.first_step
            total = self.config.epochs * pl_module.sampling.steps
            self.shown = {"lr": pl_module.learning_rate()}
            if pl_module.losses:
                self.shown["loss"] = float(torch.stack(pl_module.losses[-METRICS_EVERY:]).mean())
            for column in ("val_macro_auc", "val_balanced_accuracy"):
                if column in pl_module.scores:
                    self.shown[column.removeprefix("val_")] = pl_module.scores[column]
            if done:
                spent = time.monotonic() - self.began
                self.shown["left"] = duration(spent / done * (total - step))
        return self.shown
