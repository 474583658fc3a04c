"""What a transformer attended to for the target. Needs torch."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from interpretability.arrays import AttributionMap
from interpretability.attribution.gradients import Scored, tensor
from interpretability.attribution.placement import placed
from interpretability.attribution.task import Task


def attention(task: Task) -> AttributionMap:
    """Attention that speaks for the target, followed from layer to layer back to the picture."""
    ((network, entry),) = task.networks().parts
    attending, weights = _attending(network)
    score = Scored(attending, task.target, task.meter)(tensor(task).requires_grad_()).sum()
    gradients = torch.autograd.grad(score, weights)
    # What reaches each token beside itself: the identity, which every layer's shortcut adds, is
    # left out from the first on, because it would drown the rest.
    reached = torch.zeros(weights[0].shape[-2:])
    for weight, gradient in zip(weights, gradients, strict=True):
        kept = (weight * gradient).clamp_min(0).mean(1)[0]
        reached = reached + kept + kept @ reached
    # The head averages the tokens of the patches; the first stands for the class.
    patches = reached[1:, 1:].mean(0)
    side = math.isqrt(len(patches))
    grid = np.asarray(patches.reshape(side, side).detach().numpy(), np.float32)
    return placed(grid, entry.name, len(task.square))


def _attending(network: torch.nn.Module) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """A copy with the same weights, and the attention (1, heads, tokens, tokens) of each layer.

    The list fills when the copy is asked.
    """
    shared: dict[int, Any] = {id(tensor): tensor for tensor in network.parameters()}
    seen: Any = copy.deepcopy(network, shared)
    weights: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, __: Any, found: torch.Tensor) -> None:
        weights.append(found)

    for block in seen.blocks:
        block.attn.fused_attn = False  # which would never form the attention
        block.attn.attn_drop.register_forward_hook(keep)
    return seen, weights


METHODS: Mapping[str, Callable[[Task], AttributionMap]] = {"attention": attention}
