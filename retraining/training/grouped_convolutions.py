"""Gradients of convolutions in groups, in a form for which there are fast kernels.

On processors with AMX, torch's gradients of them in bfloat16 are slow; where everything else
learns in bfloat16, here

- depthwise convolutions get theirs in float32: 3 to 20 times as fast, and of an EfficientNet-Lite2
  at 192 pixels they were three fifths of a step;
- convolutions of groups too narrow for AMX's tiles get theirs with several groups taken as one
  wide group, whose weights between the groups are zero: a ResNeXt's first stage, of four channels a
  group, takes a fifth of the time, although it multiplies eight times as much.

`benchmarks/training.py` measures both.
"""

from functools import partial
from typing import Any, cast

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same
from torch import nn

NARROW = 16  # channels of a group; a tile of AMX has as many rows
WIDE = 32  # channels of the groups that narrow ones are taken together as; a tile's row in bfloat16


def ease_gradients(network: nn.Module) -> int:
    """Change the convolutions of `network` whose gradients are slow, in place; returns how many.

    Under autocast to bfloat16 on the CPU they then compute backward as this module says, and
    forward as before; elsewhere they do what they did.
    """
    found = [cast(nn.Conv2d, module) for module in network.modules() if _is_slow(module)]
    for module in found:
        module.forward = partial(_forward, module, module.forward)  # type: ignore[method-assign]
    return len(found)


def _is_slow(module: nn.Module) -> bool:
    if type(module) not in (nn.Conv2d, Conv2dSame):
        return False
    layer = cast(nn.Conv2d, module)
    plain = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    if not plain or layer.groups == 1 or layer.in_channels != layer.out_channels:
        return False
    width = layer.in_channels // layer.groups
    return width == 1 or (width < NARROW and _taken_together(layer.groups, width) > 1)


def _taken_together(groups: int, width: int) -> int:
    """How many groups of `width` channels to take as one."""
    most = WIDE // width
    return most if groups % most == 0 else 1


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
    form = stride, padding, dilation, False, [0, 0], module.groups
    return cast(torch.Tensor, _InGroups.apply(pictures, module.weight, module.bias, form))


class _InGroups(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pictures: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, form: Any
    ) -> torch.Tensor:
        ctx.save_for_backward(pictures, weight)
        ctx.form = form
        ctx.biased = None if bias is None else list(bias.shape)
        kind = pictures.dtype
        bias = None if bias is None else bias.to(kind)
        output = torch.ops.aten.convolution(pictures, weight.to(kind), bias, *form)
        return cast(torch.Tensor, output)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (gradient,) = gradients
        pictures, weight = ctx.saved_tensors
        *form, groups = ctx.form
        kind = torch.float32 if weight.shape[1] == 1 else pictures.dtype
        together = 1 if weight.shape[1] == 1 else _taken_together(groups, weight.shape[1])
        found = torch.ops.aten.convolution_backward(
            gradient.to(kind),
            pictures.to(kind),
            _widened(weight.to(kind), together),
            ctx.biased,
            *form,
            groups // together,
            list(ctx.needs_input_grad[:3]),
        )
        to_pictures, to_weight, to_bias = found
        if to_weight is not None:
            to_weight = _narrowed(to_weight, weight.shape[1])
        kinds = pictures.dtype, weight.dtype, weight.dtype
        wanted = zip((to_pictures, to_weight, to_bias), kinds, strict=True)
        return (*(None if g is None else g.to(kind) for g, kind in wanted), None)


def _widened(weight: torch.Tensor, together: int) -> torch.Tensor:
    """Weights (D, w, h, w') of groups of w channels, for `together` groups taken as one.

    Returns (D, w * together, h, w'), zero where a channel is of another group.
    """
    if together == 1:
        return weight
    channels, width, *kernel = weight.shape
    own = weight.view(-1, together, width, width, *kernel)
    wide = own.new_zeros(len(own), together, width, together, width, *kernel)
    for i in range(together):
        wide[:, i, :, i] = own[:, i]
    wide = wide.view(channels, width * together, *kernel)
    return wide.contiguous(memory_format=torch.channels_last)


def _narrowed(gradient: torch.Tensor, width: int) -> torch.Tensor:
    """The part of what `_widened` gives that is of a channel's own group, (D, `width`, h, w')."""
    channels, wide, *kernel = gradient.shape
    together = wide // width
    if together == 1:
        return gradient
    every = gradient.reshape(-1, together, width, together, width, *kernel)
    own = torch.stack([every[:, i, :, i] for i in range(together)], 1)
    return own.reshape(channels, width, *kernel)
