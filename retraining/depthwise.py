"""Gradients of depthwise convolutions in float32, where everything else learns in bfloat16.

On processors with AMX oneDNN takes 3 to 20 times as long for them in bfloat16: of an
EfficientNet-Lite2 at 192 pixels they were three fifths of a step (`benchmarks/training.py`).
"""

from functools import partial
from typing import Any, cast

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same
from torch import nn

Pair = list[int]


def widen_depthwise_gradients(network: nn.Module) -> int:
    """Change the depthwise convolutions of `network` in place; returns how many there are.

    Under autocast to bfloat16 on the CPU they then compute in bfloat16 forward and in float32
    backward; elsewhere they do what they did.
    """
    found = [cast(nn.Conv2d, module) for module in network.modules() if _is_depthwise(module)]
    for module in found:
        module.forward = partial(_forward, module, module.forward)  # type: ignore[method-assign]
    return len(found)


def _is_depthwise(module: nn.Module) -> bool:
    if type(module) not in (nn.Conv2d, Conv2dSame):
        return False
    layer = cast(nn.Conv2d, module)
    plain = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return plain and 1 < layer.groups == layer.in_channels == layer.out_channels


def _forward(module: nn.Conv2d, plain: Any, pictures: torch.Tensor) -> torch.Tensor:
    """(N, D, H, W) to (N, D, h, w)."""
    narrow = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    if not narrow or pictures.device.type != "cpu":
        return cast(torch.Tensor, plain(pictures))
    stride, dilation = list(module.stride), list(module.dilation)
    padding = list(cast(tuple[int, int], module.padding))
    if isinstance(module, Conv2dSame):
        pictures = pad_same(pictures, list(module.kernel_size), stride, dilation)
        padding = [0, 0]
    pictures = pictures.to(torch.bfloat16)
    numbers = stride, padding, dilation
    return cast(torch.Tensor, _Depthwise.apply(pictures, module.weight, module.bias, *numbers))


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        pictures: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
    ) -> torch.Tensor:
        ctx.save_for_backward(pictures, weight)
        ctx.numbers = stride, padding, dilation
        ctx.biased = None if bias is None else list(bias.shape)
        kind = pictures.dtype
        output = torch.ops.aten.convolution(
            pictures,
            weight.to(kind),
            None if bias is None else bias.to(kind),
            *(stride, padding, dilation),
            *(False, [0, 0], len(weight)),
        )
        return cast(torch.Tensor, output)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (gradient,) = gradients
        pictures, weight = ctx.saved_tensors
        found = torch.ops.aten.convolution_backward(
            gradient.float(),
            pictures.float(),
            weight.float(),
            ctx.biased,
            *ctx.numbers,
            *(False, [0, 0], len(weight)),
            list(ctx.needs_input_grad[:3]),
        )
        kinds = pictures.dtype, weight.dtype, weight.dtype
        wanted = (None if g is None else g.to(kind) for g, kind in zip(found, kinds, strict=True))
        return (*wanted, None, None, None)
