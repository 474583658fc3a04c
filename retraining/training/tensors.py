"""Batches of pictures as tensors, and a network's logits for them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models.export.runtime import multiplies_bfloat16
from models.registry.preprocessing import Preprocessing


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


def has_bf16() -> bool:
    """Whether bfloat16 is the faster arithmetic of the device."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return multiplies_bfloat16()
