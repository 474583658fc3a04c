"""The settings of a training run, what each means and which values it takes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.registry.backbones import get_backbone
from retraining.transforms.augmentation import Augmentation

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("onecycle", "cosine", "constant")
SAMPLERS = ("weighted", "none")
CLASS_WEIGHTS = ("none", "inverse", "sqrt_inverse", "effective")
LOSSES = ("cross_entropy", "focal")
TEACHER_VIEWS = ("same", "clean")
VAL_VIEWS = ("plain", "changed")
CACHED_FEATURES = ("auto", "never", "always")
PRECISIONS = ("auto", "bf16", "f32")
DEVICES = ("auto", "cpu", "cuda", "mps", "xpu", "directml")
BARE_WEIGHTS = ("imagenet", "none")  # which give no last layer of the classes
# What may choose the epoch to keep, its column of the log, and whether the largest is best.
CRITERIA = {
    "macro_auc": ("val_macro_auc", True),
    "macro_f1": ("val_macro_f1", True),
    "balanced_accuracy": ("val_balanced_accuracy", True),
    "val_loss": ("val_loss", False),
}


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

    recipe: the name under which reports list the run.
    backbone: key of the registry.
    weights: `imagenet`, `none`, or the folder of a checkpoint with the same backbone.
    splits: folder with train.csv and val.csv.
    stages: input sizes and epochs, in order. A file or `--set` may say `size` and `epochs`
        instead where there is one stage; `size: auto` is the size of the ImageNet weights.
    batch_size: of all devices together; each takes its share.
    freeze: what is not trained: 0 nothing, n the stem and the n groups of layers after it,
        `backbone` everything but the last layer. Frozen layers are in evaluation mode.
    unfreeze: layers that are trained in spite of `freeze`, by the beginning of their names.
    freeze_batchnorm: batch normalisation keeps the statistics it came with.
    layer_decay: the learning rate of every group of layers is so many times that of the group
        after it (Howard & Ruder, ULMFiT, ACL 2018, call it discriminative); 1: all the same.
    head_lr: the last layer's learning rate is so many times `lr`.
    optimizer, lr, weight_decay, momentum: `adam` (decay as a part of the gradient), `adamw` or
        `sgd` (Nesterov); lr is the peak of the schedule.
    schedule: over the steps of all stages: `onecycle` (cosine rise and fall), `cosine` (linear
        rise, cosine fall) or `constant` after a linear rise; the rise takes `warmup` of the steps.
    clip: largest norm of the gradient; 0: any.
    sampler: `weighted` draws as many images as there are, with replacement; `none` takes each once
        per epoch, or as often as `multipliers` says.
    sampling: weighted images are drawn in proportion to class frequency to the power
        `1 - sampling`: 0 as they come, 1 all classes equally often.
    multipliers: how often an image stands in an epoch, by class code; 1 where none is given.
    class_weights: of the labels' part of the loss: `none`, `inverse` frequency, its square root,
        `effective` number (Cui et al., CVPR 2019, beta 0.999), or a weight for each class code.
    loss: `cross_entropy`, or `focal` (Lin et al., ICCV 2017) with `focal_gamma`.
    logit_adjustment: the loss adds the logarithm of the class frequencies that it sees to the
        logits, so that these stand for evenly frequent classes (Menon et al., ICLR 2021).
    label_smoothing: of the labels' part of the loss.
    mixup, cutmix: alpha of the beta distribution (Zhang et al., ICLR 2018; Yun et al., ICCV 2019);
        0: off; with both, every batch takes one of them by chance. Partners are on one device.
    ema: decay per step of the averaged weights that are evaluated and kept; 0: no average.
    blend: share of what was learnt in the weights that are evaluated and kept, the rest being the
        checkpoint that the run started from (Wortsman et al., CVPR 2022); 1: what was learnt alone.
    best_by: what chooses the epoch to keep, on val: `macro_auc`, `macro_f1`,
        `balanced_accuracy` or `val_loss`.
    val_view: val's pictures as they are, `plain`, or `changed`: with colours, policy and flaws as
        training pictures have them, the same in every epoch, so that the one is kept that sees
        through them best.
    patience: training ends when so many epochs in a row were not better; 0: never early.
    teachers: checkpoints or run folders whose averaged probabilities the network learns, on the
        same views.
    distill: share of the loss that goes to the teachers' probabilities, the rest to the labels.
    distill_temperature: softens both sides of that part.
    teacher_size: the teachers see the view at this size where the stage's is smaller.
    teacher_view: `same` view as the network's; `clean`: without its colours, policy and flaws, so
        that the network learns to see through them.
    cached_features: `auto` runs a frozen backbone once per image and mirror view where nothing but
        mirrors changes the images, and trains the last layer on what it gave; `always` insists;
        `never` runs it in every epoch.
    precision: `auto` (bfloat16 where the processor is faster in it), `bf16` or `f32`.
    device: `auto` (CUDA, MPS, XPU, DirectML, CPU: the first that is there) or one of them.
    devices, num_nodes: how many devices of a machine, how many machines (Lightning's DDP).
    workers: threads that prepare batches; 0: one for the CPU, up to eight otherwise.
    channels_last: memory layout; faster on processors with wide vectors.
    compile: layers of the network and of its teachers are joined by torch's compiler (needs a C++
        compiler), which takes a minute or two for each size of pictures and then shortens every
        step.
    """

    recipe: str = ""
    backbone: str = "resnext50_32x4d"
    weights: str = "imagenet"
    splits: str = ""
    stages: tuple[Stage, ...] = (Stage(160, 5),)
    batch_size: int = 32
    freeze: int | str = 0
    unfreeze: tuple[str, ...] = ()
    freeze_batchnorm: bool = False
    layer_decay: float = 1.0
    head_lr: float = 1.0
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.05
    momentum: float = 0.9
    schedule: str = "onecycle"
    warmup: float = 0.2
    clip: float = 1.0
    sampler: str = "weighted"
    sampling: float = 0.5
    multipliers: Mapping[str, int] = field(default_factory=dict)
    class_weights: str | Mapping[str, float] = "none"
    loss: str = "cross_entropy"
    focal_gamma: float = 2.0
    logit_adjustment: bool = True
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.99
    blend: float = 1.0
    best_by: str = "macro_auc"
    val_view: str = "plain"
    patience: int = 0
    teachers: tuple[str, ...] = ()
    distill: float = 0.9
    distill_temperature: float = 1.0
    teacher_size: int = 128
    teacher_view: str = "same"
    augmentation: Augmentation = field(default_factory=Augmentation)
    cached_features: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    workers: int = 0
    channels_last: bool = True
    compile: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        get_backbone(self.backbone)
        for key, choices in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("sampler", SAMPLERS),
            ("loss", LOSSES),
            ("best_by", tuple(CRITERIA)),
            ("val_view", VAL_VIEWS),
            ("teacher_view", TEACHER_VIEWS),
            ("cached_features", CACHED_FEATURES),
            ("precision", PRECISIONS),
            ("device", DEVICES),
        ):
            self._check(key, getattr(self, key) in choices, f"one of {', '.join(choices)}")
        if isinstance(self.class_weights, str):
            accepted = f"one of {', '.join(CLASS_WEIGHTS)}, or a weight for each class code"
            self._check("class_weights", self.class_weights in CLASS_WEIGHTS, accepted)
        frozen = self.freeze >= 0 if isinstance(self.freeze, int) else self.freeze == "backbone"
        self._check("freeze", frozen, "backbone, or a number of groups of layers")
        for key in ("sampling", "distill"):
            self._check(key, 0 <= getattr(self, key) <= 1, "0 to 1")
        for key in ("ema", "warmup", "label_smoothing"):
            self._check(key, 0 <= getattr(self, key) < 1, "0 to below 1")
        self._check("blend", 0 < self.blend <= 1, "above 0 to 1")
        if self.blend < 1 and self.weights in BARE_WEIGHTS:
            raise ValueError(
                "blend below 1 needs weights that know the classes, the folder of a checkpoint; "
                f"got {self.weights}"
            )
        for key in ("lr", "head_lr", "layer_decay", "distill_temperature"):
            self._check(key, getattr(self, key) > 0, "above 0")
        for key in ("weight_decay", "momentum", "clip", "mixup", "cutmix", "focal_gamma"):
            self._check(key, getattr(self, key) >= 0, "0 or more")
        for key in ("patience", "workers", "seed"):
            self._check(key, getattr(self, key) >= 0, "a whole number, 0 or more")
        for key in ("devices", "num_nodes"):
            self._check(key, getattr(self, key) >= 1, "a whole number, 1 or more")
        self._check("batch_size", self.batch_size >= 2, "2 or more")
        self._check("stages", len(self.stages) > 0, "one stage or more")
        whole = all(n >= 0 and n == int(n) for n in self.multipliers.values())
        self._check("multipliers", whole, "a whole number, 0 or more, for each class code")
        if self.multipliers and self.sampler != "none":
            raise ValueError("multipliers need sampler: none, which takes each image so often")
        if self.batch_size % self.processes:
            raise ValueError(
                f"batch_size must be a multiple of the {self.processes} devices that share it, "
                f"got {self.batch_size}"
            )

    def _check(self, key: str, holds: bool, accepted: str) -> None:
        if not holds:
            raise ValueError(f"{key} must be {accepted}, got {getattr(self, key)!r}")

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def processes(self) -> int:
        """Processes that train together: one per device, on all machines."""
        return self.devices * self.num_nodes

    @property
    def head_only(self) -> bool:
        """Whether nothing but the last layer is trained."""
        return self.freeze == "backbone" and not self.unfreeze

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
        data["unfreeze"] = list(self.unfreeze)
        return data
