"""A network with ImageNet weights and a new last layer."""

from typing import TYPE_CHECKING

from models.errors import WeightsUnavailableError
from models.pretrained.imagenet import imagenet_state
from models.registry.backbones import build_network, get_backbone, head_keys

if TYPE_CHECKING:
    import torch

__all__ = ["WeightsUnavailableError", "pretrained_network"]


def pretrained_network(name: str, num_classes: int) -> "torch.nn.Module":
    """The backbone `name` with its ImageNet weights and a new last layer of `num_classes`.

    Raises WeightsUnavailableError where they are neither here nor to be downloaded.
    """
    network = build_network(name, num_classes)
    own, state = network.state_dict(), imagenet_state(get_backbone(name))
    head = head_keys(name)
    # A last layer of zeros: random logits would first pull at features that are good already.
    network.load_state_dict({k: own[k].zero_() if k in head else state[k] for k in own})
    return network
