"""The training step and the evaluation of a run, as a Lightning module."""

from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.registry.backbones import get_backbone
from models.registry.taxonomy import Taxonomy
from retraining.metrics.metrics import balanced_accuracy, confusion_metrics, confusions, macro_auc
from retraining.training.batches import Batch
from retraining.training.epoch_plan import Mix, Sampling, check_codes
from retraining.training.grouped_convolutions import ease_gradients
from retraining.training.hints import Hints
from retraining.training.losses import LabelLoss, Teacher, loss_weights, mean_log_probabilities
from retraining.training.networks import (
    interpolated,
    make_optimizer,
    make_schedule,
    normalised,
    resized,
    train_mode,
)
from retraining.training.settings import TrainConfig


class LesionModule(lightning.LightningModule):
    """A network in training, its running average, and what they are scored by.

    network: the whole network, or its last layer alone where batches hold features.
    sampling: how often images are drawn.
    """

    log_prior: torch.Tensor
    class_bias: torch.Tensor

    def __init__(
        self,
        config: TrainConfig,
        taxonomy: Taxonomy,
        network: nn.Module,
        sampling: Sampling,
        *,
        on_features: bool = False,
    ) -> None:
        super().__init__()
        self.config, self.taxonomy, self.sampling = config, taxonomy, sampling
        self.on_features = on_features
        if config.channels_last and not on_features:
            network = network.to(memory_format=torch.channels_last)
        self.network = network
        self.average: AveragedModel | None = None
        if config.ema:
            self.average = AveragedModel(
                network, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True
            )
            self.average.requires_grad_(False)
        # In tuples, because they are not modules of this one: a checkpoint has no need of them.
        self._start = (deepcopy(network),) if config.wise_ft_alpha < 1 else ()
        self._interpolated: tuple[nn.Module, ...] = ()
        weight = loss_weights(config, sampling.counts, taxonomy.codes)
        self.label_loss = LabelLoss(config, weight)
        seen = sampling.drawn if weight is None else sampling.drawn * weight
        prior = np.log(seen / seen.sum()) if config.logit_adjustment else np.zeros(len(seen))
        self.register_buffer("log_prior", torch.from_numpy(prior).float(), persistent=False)
        check_codes("class_bias", config.class_bias, taxonomy.codes)
        bias = torch.tensor([float(config.class_bias.get(code, 0)) for code in taxonomy.codes])
        self.register_buffer("class_bias", bias, persistent=False)
        # Not modules of this one: they are neither trained, averaged nor saved.
        self.teachers = tuple(Teacher.load(name, taxonomy) for name in config.teachers)
        self._hints = (Hints(network, Path(config.hints)),) if config.hints else ()
        self.losses: list[torch.Tensor] = []
        self.scores: dict[str, float] = {}
        self._logits: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []

    @property
    def kept(self) -> nn.Module:
        """The network that is evaluated and kept: interpolated or averaged where it is to be."""
        if self._interpolated:
            return self._interpolated[0]
        return self.average.module if self.average is not None else self.network

    def configure_optimizers(self) -> Any:
        """The optimizer, and its schedule by step."""
        config = self.config
        backbone = None if self.on_features else config.backbone
        optimizer = make_optimizer(self.network, config, backbone)
        schedule = make_schedule(optimizer, config, config.epochs * self.sampling.steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_fit_start(self) -> None:
        """Move the teachers to the device, join the layers of all networks."""
        for teacher in self.teachers:
            teacher.network.to(self.device)
        for hints in self._hints:
            hints.given.to(self.device)
        if self.on_features:
            return
        ease_gradients(self.network)
        if self.config.compile:
            # In place, after the average was copied: names in a checkpoint stay as they are.
            self.network.compile(dynamic=False)
            for teacher in self.teachers:
                teacher.join_layers()
            for hints in self._hints:
                hints.join_layers()

    def on_train_epoch_start(self) -> None:
        """Every epoch begins from the seed and itself alone, so that it can be repeated."""
        torch.manual_seed(self.config.seed + self.current_epoch)
        self.losses = []
        if self.on_features:
            self.network.train()
        else:
            train_mode(self.network, self.config)
        if self.average is not None:
            self.average.eval()

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """The batch with its tensors on the device."""
        return batch.to(device)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """The loss of a batch, a scalar."""
        config = self.config
        target = functional.one_hot(batch.labels, len(self.taxonomy)).float()
        missing: torch.Tensor | float = 0.0
        if self.on_features:
            logits = self.network(batch.inputs)
            raw = batch.inputs
        else:
            raw = pictures_to_raw(batch.inputs)
            if batch.mix:
                raw, target = mixed(raw, target, batch.mix)
            logits, missing = self._outputs(self._view(raw))
            if batch.clean is not None:
                raw = pictures_to_raw(batch.clean)
                if batch.mix:
                    raw, _ = mixed(raw, target, batch.mix)
        logits = logits.float() + self.log_prior
        loss = self.label_loss(logits, target)
        if self.teachers:
            soft = mean_log_probabilities(self.teachers, raw)
            warm = config.distill_temperature
            learnt = functional.kl_div(
                functional.log_softmax(logits / warm, 1),
                functional.softmax((soft + self.log_prior) / warm, 1),
                reduction="batchmean",
            )
            loss = (1 - config.distill) * loss + config.distill * warm**2 * learnt
        loss = loss + missing
        self.losses.append(loss.detach())
        return cast(torch.Tensor, loss)

    def _outputs(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | float]:
        """Logits of the network, and what its blocks miss of the hints."""
        if self._hints:
            alone = min(1.0, 3 * self.current_epoch / self.config.epochs)
            return self._hints[0](inputs, alone)
        return self.network(inputs), 0.0

    def _view(self, raw: torch.Tensor) -> torch.Tensor:
        """The input of the network from pictures in 0..1."""
        entry = get_backbone(self.config.backbone)
        size = self.config.size_of(self.current_epoch)
        return normalised(resized(raw, size), entry.mean, entry.std)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: Any = None,
        gradient_clip_algorithm: Any = None,
    ) -> None:
        """Clip the gradient's norm over the whole network."""
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Move the average on."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def on_validation_epoch_start(self) -> None:
        """Begin a new evaluation."""
        self._interpolated = ()
        if self._start:
            start, alpha = self._start[0].to(self.device), self.config.wise_ft_alpha
            self._interpolated = (interpolated(start, self.kept, alpha),)
        self.kept.eval()
        self._logits, self._labels = [], []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the logits of a batch of val."""
        inputs = batch.inputs if self.on_features else self._view(pictures_to_raw(batch.inputs))
        self._logits.append(self.kept(inputs).float() + self.class_bias)
        self._labels.append(batch.labels)

    def on_validation_epoch_end(self) -> None:
        """Score val: loss, balanced accuracy, macro AUC and F1, accuracy."""
        logits, labels = torch.cat(self._logits), torch.cat(self._labels)
        if self.trainer.world_size > 1:
            # Shares are taken in turns, the last rows of some twice.
            count = len(self.trainer.datamodule.labels["val"])  # type: ignore[attr-defined]
            logits = self._joined(logits)[:count]
            labels = self._joined(labels)[:count]
        target = functional.one_hot(labels, len(self.taxonomy)).float()
        with torch.no_grad():
            loss = self.label_loss(logits + self.log_prior, target, together=False)
        self.scores = {
            "val_loss": float(loss),
            **score(labels.cpu().numpy(), logits.cpu().numpy()),
        }
        self.log_dict(self.scores, sync_dist=self.trainer.world_size > 1, logger=False)

    def _joined(self, own: torch.Tensor) -> torch.Tensor:
        """The rows of all processes in the order of the split."""
        gathered = cast(torch.Tensor, self.all_gather(own))
        return gathered.transpose(0, 1).flatten(0, 1)

    def epoch_loss(self) -> float:
        """Mean loss of the epoch's steps; ValueError where it is not a number any more."""
        mean = torch.stack(self.losses).double().mean()
        mean = cast(torch.Tensor, self.trainer.strategy.reduce(mean, reduce_op="mean"))
        if not torch.isfinite(mean):
            raise ValueError(
                f"the loss of epoch {self.current_epoch + 1} is {float(mean)}; a smaller lr or a "
                "longer warmup may help"
            )
        return float(mean)

    def learning_rate(self) -> float:
        """Of the next step, of the first group of parameters."""
        return float(self.trainer.optimizers[0].param_groups[0]["lr"])


def pictures_to_raw(pictures: torch.Tensor) -> torch.Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in 0..1."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def mixed(raw: torch.Tensor, target: torch.Tensor, mix: Mix) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (N, 3, H, W) and soft labels (N, C), each mixed with its partner's."""
    partner = torch.from_numpy(mix.partner).to(raw.device)
    share = mix.share
    if mix.box is None:
        raw = share * raw + (1 - share) * raw[partner]
    else:
        height, width = raw.shape[-2:]
        top, bottom = (round(edge * height) for edge in mix.box[:2])
        left, right = (round(edge * width) for edge in mix.box[2:])
        raw = raw.clone()
        raw[..., top:bottom, left:right] = raw[partner][..., top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (height * width)
    return raw, share * target + (1 - share) * target[partner]


def score(labels: NDArray[np.int64], logits: NDArray[np.float32]) -> dict[str, float]:
    """The columns of the log that logits (N, C) on val give."""
    classes = logits.shape[1]
    predicted = logits.argmax(1)
    values = confusion_metrics(confusions(labels, predicted, np.ones((1, len(labels))), classes))
    return {
        "val_balanced_accuracy": balanced_accuracy(labels, predicted, classes),
        "val_macro_auc": macro_auc(labels, logits),
        "val_macro_f1": float(values["macro_f1"][0]),
        "val_accuracy": float(values["accuracy"][0]),
    }
