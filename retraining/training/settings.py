"""The settings of a training: what each means, which values it takes and its default."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.registry.backbones import get_backbone
from retraining.schema import Accepts, Listed, Names, Number, Settings
from retraining.transforms.augmentation import Augmentation

BARE_WEIGHTS = ("imagenet", "none")  # which give no last layer of the classes
HINTED = ("resnext50_32x4d", "none", 0)  # backbone, weights and freeze of a run with hints
# What may choose the epoch to keep, its column of the log, and whether the largest is best.
CRITERIA = {
    "macro_auc": ("val_macro_auc", True),
    "macro_f1": ("val_macro_f1", True),
    "balanced_accuracy": ("val_balanced_accuracy", True),
    "val_loss": ("val_loss", False),
    "last": ("epoch", True),
}


class Stage(Settings):
    """Epochs at one input size."""

    size: int = Field(ge=32, description="Side of the pictures, pixels.")
    epochs: int = Field(ge=1, description="Passes over the training split.")


class ModelSettings(Settings):
    """Model: the network and where it starts from."""

    backbone: str = Field(
        default="resnext50_32x4d", description="A network of `python -m models list`."
    )
    weights: str = Field(
        default="imagenet",
        description="`imagenet` (or what else the network was published with), `none`, or a "
        "checkpoint, by name or folder, or the folder of a run, with this backbone.",
    )
    freeze: Annotated[
        Annotated[int, Field(ge=0)] | Literal["backbone"],
        Accepts("backbone, or a number of groups of layers"),
    ] = Field(
        default=0,
        description="What is not trained: 0 nothing; n the stem and the n groups of layers after "
        "it; `backbone` everything but the last layer. Frozen layers are in evaluation mode.",
    )
    unfreeze: Names = Field(
        default=(),
        description="Layers that are trained in spite of `freeze`, by the start of their names.",
    )
    drop_path: Number = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="How often a step leaves out the deepest residual branch, less often those "
        "below it (Huang et al., ECCV 2016); networks of timm only.",
    )
    freeze_batchnorm: bool = Field(
        default=False, description="Batch normalisation keeps the statistics that it came with."
    )


class DataSettings(Settings):
    """Data: what is learnt, in which size and order."""

    recipe: str = Field(
        default="", description="Name of the run in reports; default: the recipe's."
    )
    splits: str = Field(default="", description="Folder with train.csv and val.csv.")
    stages: Annotated[
        tuple[Stage, ...], Listed, Field(min_length=1), Accepts("a list of {size, epochs}")
    ] = Field(
        default=(Stage(size=160, epochs=5),),
        description="Sizes and epochs in order, small pictures first. Where there is one stage, "
        "`size` (or `auto`: that of the ImageNet weights) and `epochs` can be set instead.",
    )
    batch_size: int = Field(
        default=32, ge=2, description="Of all devices together; each takes its share."
    )
    val_view: Literal["plain", "changed"] = Field(
        default="plain",
        description="Pictures of val as they are, or `changed` in colours and corruptions as those "
        "of train, the same in every epoch.",
    )
    seed: int = Field(default=42, ge=0, description="Of weights, order and augmentation.")


class OptimisationSettings(Settings):
    """Optimisation: the steps, and which epoch is kept."""

    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        default="adamw", description="`adam` adds the decay to the gradient; `sgd` is Nesterov's."
    )
    lr: Number = Field(default=1e-3, gt=0, description="Learning rate at the peak of the schedule.")
    head_lr: Number = Field(default=1.0, gt=0, description="Factor of `lr` for the last layer.")
    layer_decay: Number = Field(
        default=1.0,
        gt=0,
        description="Learning rate of a group of layers relative to that of the group after it "
        "(Howard & Ruder, ULMFiT, ACL 2018); 1: all the same.",
    )
    weight_decay: Number = Field(default=0.05, ge=0, description="Not of biases and normalisation.")
    momentum: Number = Field(default=0.9, ge=0, description="Of `sgd`.")
    schedule: Literal["onecycle", "cosine", "constant"] = Field(
        default="onecycle",
        description="Of the learning rate, by step: `onecycle` (cosine rise and fall), `cosine` "
        "(linear rise, cosine fall), or `constant` after a linear rise.",
    )
    warmup: Number = Field(
        default=0.2, ge=0, lt=1, description="Share of the steps that the rise takes."
    )
    clip: Number = Field(default=1.0, ge=0, description="Largest norm of the gradient; 0: any.")
    ema: Number = Field(
        default=0.99,
        ge=0,
        lt=1,
        description="Decay per step of the moving average of the weights, which is evaluated and "
        "kept; 0: no average.",
    )
    wise_ft_alpha: Number = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Weight interpolation (WiSE-FT; Wortsman et al., CVPR 2022): kept are (1 - "
        "alpha) of the checkpoint that the run started from and alpha of what it learnt.",
    )
    class_bias: Annotated[Mapping[str, Number], Accepts("a number for each class code")] = Field(
        default={},
        description="Added to the last layer's bias of what is kept, by class code: what costs "
        "more to miss is named more often (Menon et al., ICLR 2021, post hoc).",
    )
    monitor: Literal["macro_auc", "macro_f1", "balanced_accuracy", "val_loss", "last"] = Field(
        default="macro_auc",
        description="What on val chooses the epoch to keep; `last` keeps the last one, where val "
        "knows too little of what is learnt.",
    )
    patience: int = Field(
        default=0,
        ge=0,
        description="Stop after so many epochs that were not better; 0: never early.",
    )


class SamplingSettings(Settings):
    """Sampling: which pictures an epoch draws."""

    sampler: Literal["weighted", "none"] = Field(
        default="weighted",
        description="`weighted` draws as many pictures as there are, with replacement; `none` "
        "takes each once, or as often as `multipliers` says.",
    )
    sampling: Number = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Of `weighted`: classes are drawn by frequency to the power 1 - sampling; 0 as "
        "they come, 1 all equally often.",
    )
    epoch_images: int = Field(
        default=0,
        ge=0,
        description="Pictures that an epoch of `weighted` draws, so that large data are scored and "
        "saved more often; 0: as many as there are.",
    )
    multipliers: Annotated[
        Mapping[str, Annotated[int, Field(ge=0)]],
        Accepts("a whole number, 0 or more, for each class code"),
    ] = Field(
        default={}, description="How often a picture stands in an epoch, by class code; else once."
    )


class LossSettings(Settings):
    """Loss: what is made small, and mixed labels."""

    loss: Literal["cross_entropy", "focal"] = Field(
        default="cross_entropy", description="`focal`: Lin et al., ICCV 2017."
    )
    focal_gamma: Number = Field(default=2.0, ge=0, description="Of `focal`.")
    class_weights: Annotated[
        Literal["none", "inverse", "sqrt_inverse", "effective"] | Mapping[str, Number],
        Accepts("one of none, inverse, sqrt_inverse, effective, or a weight for each class code"),
    ] = Field(
        default="none",
        description="Weights of the classes: `inverse` frequency, its square root, or the "
        "`effective` number (Cui et al., CVPR 2019, beta 0.999).",
    )
    logit_adjustment: bool = Field(
        default=True,
        description="Adds the logarithm of the class frequencies that the loss sees to the logits, "
        "which then stand for evenly frequent classes (Menon et al., ICLR 2021).",
    )
    label_smoothing: Number = Field(default=0.0, ge=0, lt=1, description="Of the labels.")
    mixup: Number = Field(
        default=0.0, ge=0, description="Alpha of mixup (Zhang et al., ICLR 2018); 0: off."
    )
    cutmix: Number = Field(
        default=0.0,
        ge=0,
        description="Alpha of CutMix (Yun et al., ICCV 2019); with both, one by chance.",
    )


class DistillationSettings(Settings):
    """Distillation: learning the probabilities of trained networks."""

    teachers: Names = Field(
        default=(), description="Checkpoints or run folders, whose probabilities are averaged."
    )
    distill: Number = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Share of the teachers in the loss; the labels have the rest.",
    )
    distill_temperature: Number = Field(default=1.0, gt=0, description="Softens both sides.")
    teacher_size: int = Field(
        default=128, ge=32, description="Pixels at which teachers see pictures of smaller stages."
    )
    teacher_view: Literal["same", "clean"] = Field(
        default="same",
        description="Teachers see the `same` view, or the `clean` one without changes of colour, "
        "policy and corruptions, so that the network learns to see through them.",
    )
    hints: str = Field(
        default="",
        description="The archive of npm's idai-shapes-ceramics_resnet50: a resnext50_32x4d without "
        "weights begins with what it shares with the ResNet50 in it, and its blocks learn to give "
        "what that one's give, besides the rest of the loss (Romero et al., ICLR 2015).",
    )


class AugmentationSettings(Settings):
    """Augmentation: random changes of the pictures; 0 turns one off."""

    augmentation: Augmentation = Field(
        default=Augmentation(), description="Random changes of the training pictures."
    )


class HardwareSettings(Settings):
    """Hardware: what it runs on."""

    cached_features: Literal["auto", "never", "always"] = Field(
        default="auto",
        description="A frozen backbone runs once per picture and mirror view, where mirrors alone "
        "change them, and the last layer learns from what it gave; `always` insists.",
    )
    precision: Literal["auto", "bf16", "f32"] = Field(
        default="auto", description="`auto`: bfloat16 where the processor is faster in it."
    )
    device: Literal["auto", "cpu", "cuda", "mps", "xpu", "directml"] = Field(
        default="auto", description="`auto`: the first of CUDA, MPS, XPU, DirectML and the CPU."
    )
    devices: int = Field(default=1, ge=1, description="Of a machine, by Lightning's DDP.")
    num_nodes: int = Field(default=1, ge=1, description="Machines.")
    workers: int = Field(
        default=0,
        ge=0,
        description="Threads that prepare batches; 0: one for the CPU, else up to eight.",
    )
    channels_last: bool = Field(
        default=True, description="Memory layout; faster on processors with wide vectors."
    )
    compile: bool = Field(
        default=False,
        description="torch.compile for the network and its teachers: minutes at the start, then "
        "shorter steps; needs a C++ compiler.",
    )


class TrainConfig(
    # In reverse: pydantic lists the fields of the last base first.
    HardwareSettings,
    AugmentationSettings,
    DistillationSettings,
    LossSettings,
    SamplingSettings,
    OptimisationSettings,
    DataSettings,
    ModelSettings,
):
    """How a network is trained."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        get_backbone(self.backbone)
        if self.wise_ft_alpha < 1 and self.weights in BARE_WEIGHTS:
            raise ValueError(
                "wise_ft_alpha below 1 needs weights that know the classes, a checkpoint; got "
                f"{self.weights}"
            )
        if self.hints and (self.backbone, self.weights, self.freeze) != HINTED:
            raise ValueError(
                f"hints are for backbone {HINTED[0]} with weights none and nothing frozen; got "
                f"{self.backbone}, {self.weights} and freeze {self.freeze}"
            )
        if self.multipliers and self.sampler != "none":
            raise ValueError("multipliers need sampler: none, which takes each picture so often")
        if self.patience and self.monitor == "last":
            raise ValueError(
                "monitor: last knows no better epoch to be patient for; got patience "
                f"{self.patience}"
            )
        if self.batch_size % self.processes:
            raise ValueError(
                f"batch_size must be a multiple of the {self.processes} devices that share it, "
                f"got {self.batch_size}"
            )
        return self

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
        return self.model_dump(mode="json")


GROUPS: tuple[type[Settings], ...] = tuple(
    base for base in reversed(TrainConfig.__bases__) if issubclass(base, Settings)
)
