"""Ensembles: the weighted mean of several checkpoints' calibrated probabilities, as one network."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.checkpoint.card import Card

if TYPE_CHECKING:
    import torch


def area_weights(size: int, target: int) -> NDArray[np.float32]:
    """The matrix (target, size) that averages `size` pixels into `target` by their overlap.

    Applied to rows and columns it shrinks a picture as OpenCV's INTER_AREA does. Raises
    ValueError where `target` is larger than `size`.

    >>> area_weights(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    if not 0 < target <= size:
        raise ValueError(f"target must be 1 to {size} pixels, got {target}")
    edges = np.arange(target + 1) * size / target
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(overlap, 0, None) * target / size, np.float32)


def log_mean(logs: "Sequence[torch.Tensor]", shares: Sequence[float]) -> "torch.Tensor":
    """log of the weighted mean of M tensors of probabilities, of and in logarithms.

    logs: (N, C) each. shares: M weights, 1 in all.
    """
    import torch

    weighted = [one + math.log(share) for one, share in zip(logs, shares, strict=True)]
    return torch.logsumexp(torch.stack(weighted), 0)


def join(members: "Sequence[tuple[torch.nn.Module, Card]]", card: Card) -> "torch.nn.Module":
    """The members as one network, in evaluation mode, for gradients through all of them.

    Its forward takes float32 (N, 3, S, S), normalised by the ensemble's own preprocessing, S being
    the largest input size among the members, and returns the logarithm of the mean of their
    calibrated probabilities (N, C), weighted by the card's `shares`. What is served scales the
    original picture to each member's size; here the members see the picture of size S, scaled.
    `members[i].network` is the i-th member's network.
    """
    import torch

    class Member(torch.nn.Module):
        """One member: from pictures in 0..1 to calibrated log-probabilities."""

        mean: torch.Tensor
        std: torch.Tensor
        scaling: torch.Tensor

        def __init__(self, network: torch.nn.Module, own: Card) -> None:
            super().__init__()
            self.network = network
            self.temperature = own.temperature
            taken = own.preprocessing
            self.register_buffer("mean", torch.tensor(taken.mean).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(taken.std).view(1, 3, 1, 1))
            scaling = area_weights(card.preprocessing.input_size, taken.input_size)
            self.register_buffer("scaling", torch.from_numpy(scaling))

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            scaled = self.scaling @ picture @ self.scaling.T
            logits = self.network((scaled - self.mean) / self.std)
            return torch.log_softmax(logits / self.temperature, 1)

    class Ensemble(torch.nn.Module):
        """The logarithm of the members' mean probability."""

        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.members = torch.nn.ModuleList(Member(*one) for one in members)
            taken = card.preprocessing
            self.register_buffer("mean", torch.tensor(taken.mean).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor(taken.std).view(1, 3, 1, 1))

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            picture = batch * self.std + self.mean
            return log_mean([member(picture) for member in self.members], card.shares)

    return Ensemble().eval()
