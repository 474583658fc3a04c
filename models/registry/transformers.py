"""Where transformers differ from networks of convolutions. Needs torch."""

import copy
import math
from typing import TYPE_CHECKING, Any

from models.registry.backbones import Backbone

if TYPE_CHECKING:
    import torch


def as_map(output: "torch.Tensor") -> "torch.Tensor":
    """A layer's output as a map (N, D, h, w): it is one, or tokens (N, 1 + h w, D), h = w.

    The first token, which stands for the class, is left out.
    """
    if output.ndim == 4:
        return output
    side = math.isqrt(output.shape[1] - 1)
    channels = output[:, 1:].transpose(1, 2)
    # Not len(output): a trace would keep the number of pictures of its example.
    return channels.reshape(*channels.shape[:2], side, side)


def at_size(network: "torch.nn.Module", entry: Backbone, size: int) -> "torch.nn.Module":
    """The same function of pictures of `size`, without what it would work out for each anew.

    Of a transformer a copy that has the embedding of places at this size: runtimes interpolate it
    otherwise than torch does.
    """
    if not entry.patch:
        return network
    sized: Any = copy.deepcopy(network)
    sized.set_input_size(img_size=math.ceil(size / entry.patch) * entry.patch)
    return sized  # type: ignore[no-any-return]
