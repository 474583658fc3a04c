"""The settings of a training run: defaults, then a YAML file, then `--set key=value`."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from models.backbones import get_backbone
from retraining.augment import Augmentation


@dataclass(frozen=True)
class Stage:
    """Epochs at one input size, pixels; training starts with small pictures, which cost less."""

    size: int
    epochs: int

    def __post_init__(self) -> None:
        if self.size < 32 or self.epochs < 1:
            raise ValueError(f"a stage needs size >= 32 and epochs >= 1, got {self}")


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    backbone: key of the registry.
    weights: `imagenet`, `none`, or the folder of a checkpoint with the same backbone.
    splits: folder with train.csv and val.csv.
    stages: input sizes and epochs, in order.
    teachers: checkpoints whose averaged probabilities the network learns, on the same views.
    distill: share of the loss that goes to the teachers' probabilities, the rest to the labels.
    distill_temperature: softens both sides of that part.
    teacher_size: the teachers see the view at this size where the stage's is smaller.
    optimizer, lr, weight_decay, momentum: `adamw` or `sgd` (Nesterov); lr is the peak of a
        one-cycle schedule over all stages, the rise takes `warmup` of the steps.
    sampling: images are drawn in proportion to class frequency to the power `1 - sampling`:
        0 as they come, 1 all classes equally often.
    label_smoothing: of the labels' part of the loss.
    mixup: alpha of the beta distribution; 0: off.
    ema: decay per step of the averaged weights that are evaluated and kept.
    precision: `auto` (bfloat16 where the processor has it), `bf16` or `f32`.
    channels_last: memory layout; faster on processors with wide vectors.
    """

    backbone: str = "resnext50_32x4d"
    weights: str = "imagenet"
    splits: str = ""
    stages: tuple[Stage, ...] = (Stage(160, 5),)
    batch_size: int = 32
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.05
    momentum: float = 0.9
    warmup: float = 0.2
    sampling: float = 0.5
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float = 0.99
    clip: float = 1.0
    teachers: tuple[str, ...] = ()
    distill: float = 0.9
    distill_temperature: float = 1.0
    teacher_size: int = 128
    augmentation: Augmentation = field(default_factory=Augmentation)
    precision: str = "auto"
    channels_last: bool = True
    seed: int = 42

    def __post_init__(self) -> None:
        get_backbone(self.backbone)
        _check(self.optimizer in ("adamw", "sgd"), "optimizer", self.optimizer, "adamw or sgd")
        _check(
            self.precision in ("auto", "bf16", "f32"),
            "precision",
            self.precision,
            "auto, bf16, f32",
        )
        _check(0 <= self.sampling <= 1, "sampling", self.sampling, "0 to 1")
        _check(0 <= self.distill <= 1, "distill", self.distill, "0 to 1")
        _check(0 <= self.ema < 1, "ema", self.ema, "0 to below 1")
        _check(self.batch_size >= 2, "batch_size", self.batch_size, "2 or more")
        _check(self.lr > 0, "lr", self.lr, "above 0")
        _check(0 < self.warmup < 1, "warmup", self.warmup, "above 0, below 1")
        _check(len(self.stages) > 0, "stages", self.stages, "one stage or more")

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def size_of(self, epoch: int) -> int:
        """Input size of an epoch, counted from 0."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.size
            epoch -= stage.epochs
        raise ValueError(f"epoch lies {epoch + 1} beyond the last stage")

    def to_dict(self) -> dict[str, Any]:
        """JSON and YAML form."""
        data = dataclasses.asdict(self)
        data["stages"] = [dataclasses.asdict(stage) for stage in self.stages]
        data["teachers"] = list(self.teachers)
        return data


def _check(holds: bool, key: str, value: object, accepted: str) -> None:
    if not holds:
        raise ValueError(f"{key} must be {accepted}, got {value!r}")


def load_config(
    path: Path | None = None, overrides: Sequence[str] = (), **arguments: Any
) -> TrainConfig:
    """Defaults < the YAML file < `key=value` overrides < keyword arguments that are not None.

    A dot reaches into a group: `augmentation.zoom=0.1`. ValueError for unknown keys names the
    nearest known one.
    """
    values: dict[str, Any] = {}
    if path is not None:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(loaded, dict):
            raise ValueError(
                f"{path} must hold keys and values, it holds a {type(loaded).__name__}"
            )
        values = loaded
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, got {override!r}")
        group = values
        *outer, last = key.split(".")
        for name in outer:
            group = group.setdefault(name, {})
        group[last] = yaml.safe_load(text)
    values |= {key: value for key, value in arguments.items() if value is not None}
    return from_dict(values)


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """A configuration from plain values; ValueError for unknown keys and wrong types."""
    values = dict(values)
    _known_keys(values, TrainConfig, "")
    try:
        if "stages" in values:
            values["stages"] = tuple(_stage(stage) for stage in values["stages"])
        if "teachers" in values:
            values["teachers"] = tuple(values["teachers"])
        if "augmentation" in values:
            _known_keys(values["augmentation"], Augmentation, "augmentation.")
            values["augmentation"] = Augmentation(**values["augmentation"])
        return TrainConfig(**values)
    except TypeError as error:
        raise ValueError(f"the configuration has a value of the wrong type: {error}") from None


def _stage(values: Mapping[str, Any]) -> Stage:
    _known_keys(values, Stage, "stages.")
    return Stage(**values)


def _known_keys(values: Mapping[str, Any], kind: type, prefix: str) -> None:
    known = [f.name for f in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else ""
            raise ValueError(f"unknown key {prefix}{key}{hint} (known: {', '.join(known)})")
