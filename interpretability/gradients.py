"""Attributions from gradients, by Captum. Needs torch."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from captum.attr import LayerGradCam, Saliency
from numpy.typing import NDArray

from interpretability.target import Target
from models.backbones import get_backbone, get_layer
from models.checkpoints import Card

Square = NDArray[np.uint8]
Map = NDArray[np.float32]


class Scored(torch.nn.Module):
    """A network whose output is the target's score, (N,)."""

    def __init__(self, network: torch.nn.Module, target: Target) -> None:
        super().__init__()
        self.network = network
        self.target = target

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Scores of normalised pictures (N, 3, S, S)."""
        return self.target.score_tensor(self.network(batch))


def _input(card: Card, square: Square) -> torch.Tensor:
    return torch.from_numpy(card.preprocessing.normalise(square[np.newaxis]))


def _gradcam(network: torch.nn.Module, card: Card, square: Square, target: Target) -> Map:
    layer = get_layer(network, get_backbone(card.backbone).gradcam_layer)
    scored = Scored(network, target)
    found = LayerGradCam(scored, layer).attribute(_input(card, square).requires_grad_())
    return np.asarray(found[0, 0].detach().numpy(), np.float32)


def _saliency(network: torch.nn.Module, card: Card, square: Square, target: Target) -> Map:
    found = Saliency(Scored(network, target)).attribute(_input(card, square).requires_grad_())
    return np.asarray(found[0].amax(0).detach().numpy(), np.float32)


METHODS: Mapping[str, Callable[[torch.nn.Module, Card, Square, Target], Map]] = {
    "gradcam": _gradcam,
    "saliency": _saliency,
}
