"""What backbones and checkpoints are called where people read it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "resnet18": "ResNet-18",
        "resnet34": "ResNet-34",
        "resnet50": "ResNet-50",
        "resnext50_32x4d": "ResNeXt-50",
        "densenet161": "DenseNet-161",
        "mobilenet_v2": "MobileNetV2",
        "efficientnet_b0": "EfficientNet-B0",
        "efficientnet_b2": "EfficientNet-B2",
        "mixnet_xl": "MixNet-XL",
        "efficientnet_lite0": "EfficientNet-Lite0",
        "efficientnet_lite2": "EfficientNet-Lite2",
        "vit_small_patch14_dinov2": "DINOv2 ViT-S/14",
        "ensemble": "Ensemble",
        "efficientnet_lite0_field": "EfficientNet-Lite0 from ImageNet",
    }
)
"""By a backbone's name, by `ensemble`, and by the name of the member that only an ensemble has."""


def title(name: str, backbone: str = "") -> str:
    """What a checkpoint is called; one that has a name of its own keeps it, beside its backbone's.

    backbone: as on its card; not needed where the checkpoint is named after it.

    >>> title("resnext50_32x4d")
    'ResNeXt-50'
    >>> title("clinic_2027", "resnet18")
    'clinic_2027 (ResNet-18)'
    """
    if name in TITLES:
        return TITLES[name]
    return f"{name} ({TITLES.get(backbone, backbone)})" if backbone else name


def plainly(text: str) -> str:
    """A text with the backbones in it called by their titles.

    >>> plainly("resnext50_32x4d, trained on HAM10000.")
    'ResNeXt-50, trained on HAM10000.'
    """
    return _NAMES.sub(lambda found: TITLES[found[0]], text)


# But for the word "ensemble", which a sentence needs as it is.
_NAMES = re.compile(rf"\b({'|'.join(sorted(set(TITLES) - {'ensemble'}, key=len, reverse=True))})\b")
