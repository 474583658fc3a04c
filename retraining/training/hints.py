"""Hints: the blocks of a ResNeXt50 learn what those of a published ResNet50 give.

Both have sixteen residual blocks with maps of the same sizes and channels, so that a network whose
own ImageNet weights are not at hand comes to see, on the pictures it learns, as one whose are
(Romero et al., FitNets: Hints for thin deep nets, ICLR 2015, arXiv:1412.6550).
"""

from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from models.pretrained import keras_resnet50


def blocks(network: nn.Module) -> list[nn.Module]:
    """The residual blocks of one of torchvision's ResNets, from the stem to the last map."""
    parts = cast(Any, network)
    return [*parts.layer1, *parts.layer2, *parts.layer3, *parts.layer4]


def begin_alike(network: nn.Module, archive: Path) -> None:
    """Give `network` what has the same name and shape in the ResNet50 of `archive`.

    Those are the stem, the shortcuts between stages and each block's last normalisation.
    """
    given = keras_resnet50.load(archive).state_dict()
    own = network.state_dict()
    head = ("fc.weight", "fc.bias")
    network.load_state_dict(
        {
            name: given[name]
            if name in given and name not in head and given[name].shape == tensor.shape
            else tensor
            for name, tensor in own.items()
        }
    )


class Given(nn.Module):
    """The maps that the stem and the blocks of a network give."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3, H, W) to seventeen maps (N, C, h, w)."""
        maps = [stem(self.network, inputs)]
        for block in blocks(self.network):
            maps.append(block(maps[-1]))
        return maps


class Hinted(nn.Module):
    """A network's logits, and how far its maps are from those that are given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, inputs: torch.Tensor, given: list[torch.Tensor], alone: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, C), and the sum over maps of the share of variance that is not explained.

        inputs: (N, 3, H, W). given: what the stem and the blocks should give. alone: 0..1, how much
        of its input a block takes from those below it; the rest is given, so that it learns before
        those have learnt. The variance is that of a channel, over the pictures and places of the
        batch, meaned over channels.
        """
        own = stem(self.network, inputs)
        missing = unexplained(own, given[0])
        for block, below, wanted in zip(blocks(self.network), given, given[1:], strict=False):
            own = block(torch.lerp(below.to(own.dtype), own, alone.to(own.dtype)))
            missing = missing + unexplained(own, wanted)
        parts = cast(Any, self.network)
        return parts.fc(torch.flatten(parts.avgpool(own), 1)), missing


def stem(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The map (N, C, h, w) that the first block of a network takes, of inputs (N, 3, H, W)."""
    parts = cast(Any, network)
    return cast(torch.Tensor, parts.maxpool(parts.relu(parts.bn1(parts.conv1(inputs)))))


def unexplained(own: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The mean square of a map's error (N, C, h, w) in channels' mean variance."""
    goal = wanted.float()
    variance = (goal - goal.mean((0, 2, 3), keepdim=True)).square().mean()
    return (own.float() - goal).square().mean() / variance


class Hints:
    """The ResNet50 of a package, and the network that learns from it."""

    def __init__(self, network: nn.Module, archive: Path) -> None:
        given = keras_resnet50.load(archive).to(memory_format=torch.channels_last)
        self.given = Given(given.requires_grad_(False)).eval()
        self.hinted = Hinted(network)
        self.joined = False

    def join_layers(self) -> None:
        """Have both networks compiled, the constant one with its weights as such."""
        self.given.compile(dynamic=False)
        self.hinted.compile(dynamic=False)
        self.joined = True

    def __call__(self, inputs: torch.Tensor, alone: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, C) of the network that learns, and what is missing, see `Hinted`."""
        with torch.no_grad():
            if self.joined:
                from torch._inductor import config  # takes a second, which only compiling needs

                with config.patch(freezing=True):
                    wanted = self.given(inputs)
            else:
                wanted = self.given(inputs)
        share = torch.tensor(alone, device=inputs.device)
        return cast("tuple[torch.Tensor, torch.Tensor]", self.hinted(inputs, wanted, share))
