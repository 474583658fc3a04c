"""The network of a run: its frozen layers, optimizer, schedule and inputs."""

import math
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from models.registry.backbones import get_backbone, get_layer
from models.registry.preprocessing import Preprocessing
from retraining.training.settings import TrainConfig

# Containers whose children are the groups of layers; other children of a network are one group.
CONTAINERS = ("features", "blocks")
# Of a transformer, together its stem.
EMBEDDINGS = ("cls_token", "pos_embed", "patch_embed")


def layer_groups(network: nn.Module, backbone: str) -> list[list[str]]:
    """Names of the parameters, in groups from the stem to the last layer.

    A group is a block of the network's table of contents with the normalisation that follows it:
    the stem, then the stages, then the last layer alone.
    """
    head = get_backbone(backbone).head
    groups: dict[str, list[str]] = {}
    last = ""
    for name, _ in network.named_parameters():
        first, _, rest = name.partition(".")
        key = f"{first}.{rest.partition('.')[0]}" if first in CONTAINERS else first
        module = network.get_submodule(key) if rest else None
        if name.startswith(f"{head}."):
            key = head
        elif isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)) and last:
            key = last
        elif first in EMBEDDINGS:
            key = EMBEDDINGS[0]
        groups.setdefault(key, []).append(name)
        last = key
    return list(groups.values())


def freeze(network: nn.Module, config: TrainConfig) -> None:
    """Take the gradient from the parameters that `config` does not train."""
    groups = layer_groups(network, config.backbone)
    if config.freeze == "backbone":
        frozen = groups[:-1]
    else:
        count = int(config.freeze)
        if count > len(groups) - 2:
            raise ValueError(
                f"freeze must be at most {len(groups) - 2} for {config.backbone}, got {count}; "
                "`backbone` freezes everything but the last layer"
            )
        frozen = groups[: count + 1] if count else []
    named = dict(network.named_parameters())
    unknown = [p for p in config.unfreeze if not any(_begins(name, p) for name in named)]
    if unknown:
        raise ValueError(
            f"unfreeze names {unknown[0]!r}, with which no layer of {config.backbone} begins; its "
            f"groups begin with {', '.join(group[0].rpartition('.')[0] for group in groups)}"
        )
    for name in (name for group in frozen for name in group):
        if not any(_begins(name, prefix) for prefix in config.unfreeze):
            named[name].requires_grad_(False)


def _begins(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def train_mode(network: nn.Module, config: TrainConfig) -> None:
    """Training mode, but evaluation mode for layers that are frozen.

    With a frozen backbone all of it, dropout too: its features are then those of the images.
    """
    if config.head_only:
        network.eval()
        get_layer(network, get_backbone(config.backbone).head).train()
        return
    network.train()
    for module in network.modules():
        own = list(module.parameters())
        normalises = isinstance(module, nn.modules.batchnorm._BatchNorm)
        frozen = bool(own) and not any(p.requires_grad for p in own)
        if frozen or (normalises and config.freeze_batchnorm):
            module.eval()


def make_optimizer(
    network: nn.Module, config: TrainConfig, backbone: str | None = None
) -> torch.optim.Optimizer:
    """The optimizer over the parameters that are trained.

    backbone: of a whole network; None: `network` is a last layer alone.
    """
    groups: list[dict[str, Any]] = []
    for lr, parameters in _by_rate(network, config, backbone):
        # Biases, normalisation and embeddings are not decayed: they have no scale to keep small.
        spared = {id(getattr(network, name, None)) for name in EMBEDDINGS[:2]}
        decayed = [p for p in parameters if p.ndim > 1 and id(p) not in spared]
        kept = [p for p in parameters if p.ndim <= 1 or id(p) in spared]
        for decay, chosen in ((config.weight_decay, decayed), (0.0, kept)):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "lr": lr})
    if config.optimizer == "sgd":
        nesterov = config.momentum > 0
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.lr, fused=groups[0]["params"][0].is_cuda or None)


def _by_rate(
    network: nn.Module, config: TrainConfig, backbone: str | None
) -> list[tuple[float, list[nn.Parameter]]]:
    """Learning rates and the trained parameters that have them, in the network's order."""
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    if backbone is None:
        return [(config.lr * config.head_lr, list(named.values()))]
    groups = layer_groups(network, backbone)
    rates: dict[float, list[nn.Parameter]] = {}
    for place, group in enumerate(reversed(groups)):
        rate = config.lr * config.layer_decay**place
        if place == 0:
            rate = config.lr * config.head_lr
        rates.setdefault(rate, [])
        for name in group:
            if name in named:
                rates[rate].append(named[name])
    order = {id(p): i for i, p in enumerate(named.values())}
    return [(rate, sorted(found, key=lambda p: order[id(p)])) for rate, found in rates.items()]


def make_schedule(optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int) -> LRScheduler:
    """The learning rate over `steps` steps, to be moved on after each."""
    if config.schedule == "onecycle" and steps > 2:  # fewer have no rise and fall
        return OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=steps,
            pct_start=max(config.warmup, 2 / steps),  # a rise of one step divides by zero
            cycle_momentum=False,
        )
    rise = config.warmup * steps

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / (rise + 1)
        if config.schedule == "constant":
            return 1.0
        return (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1))) / 2

    return LambdaLR(optimizer, factor)


def interpolated(start: nn.Module, learnt: nn.Module, alpha: float) -> nn.Module:
    """WiSE-FT: a network with (1 - `alpha`) of the weights of `start` and `alpha` of `learnt`'s."""
    network = deepcopy(start)
    goal = learnt.state_dict()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(goal[name], alpha)
            else:
                value.copy_(goal[name])  # batch normalisation's count of batches
    return network


def resized(raw: torch.Tensor, size: int) -> torch.Tensor:
    """(N, 3, H, H) float to (N, 3, size, size), without aliasing."""
    if raw.shape[-1] == size:
        return raw
    return functional.interpolate(raw, (size, size), mode="bilinear", antialias=True)


def normalised(raw: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """(N, 3, H, W) in 0..1 to the input of a network, channels last."""
    shape = (1, 3, 1, 1)
    centred = raw - torch.tensor(mean, device=raw.device).view(shape)
    scaled = centred / torch.tensor(std, device=raw.device).view(shape)
    return scaled.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def predict_logits(
    network: nn.Module,
    pictures: NDArray[np.uint8],
    preprocessing: Preprocessing,
    *,
    bf16: bool = False,
    batch_size: int = 64,
) -> NDArray[np.float32]:
    """Logits (N, classes) of pictures (N, S, S, 3) uint8 that have the input size already."""
    network.eval()
    device = next(network.parameters()).device
    out = []
    for start in range(0, len(pictures), batch_size):
        batch = torch.from_numpy(preprocessing.normalise(pictures[start : start + batch_size]))
        batch = batch.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            out.append(network(batch).float().cpu().numpy())
    return np.concatenate(out)
