"""The weights that a checkpoint of a last layer alone stands on: ImageNet's, a checkpoint's, a
seed's.

All functions need torch.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoint.card import load_state_dict, locate
from models.errors import CheckpointError
from models.pretrained.imagenet import imagenet_state
from models.registry.backbones import build_network, get_backbone, head_keys

if TYPE_CHECKING:
    import torch

    State = dict[str, "torch.Tensor"]


def backbone_sha256(backbone: str, state: "Mapping[str, torch.Tensor]") -> str:
    """SHA-256 over names, shapes and values of a network's tensors without its last layer's."""
    digest = hashlib.sha256()
    for name in sorted(set(state) - set(head_keys(backbone))):
        array = state[name].detach().cpu().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def backbone_state(
    backbone: str, source: Mapping[str, Any], classes: int, root: Path | None = None
) -> "State":
    """The tensors of a backbone without its last layer, from where `source` says.

    source: `{"backbone", "weights", "sha256"}`; weights is `imagenet`, a checkpoint, or `none`
        with the `seed` of the random weights.
    root: a folder where a checkpoint may stand that is not in the folder of weights.
    Raises CheckpointError where they are of another backbone, or other weights.
    """
    import torch

    if source["backbone"] != backbone:
        raise CheckpointError(
            f"the last layer belongs to {source['backbone']}, the network is a {backbone}"
        )
    weights = source["weights"]
    if weights == "imagenet":
        state = imagenet_state(get_backbone(backbone))
    elif weights == "none":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(source["seed"])
            state = dict(build_network(backbone, classes).state_dict())
    else:
        beside = root / weights if root else None
        folder = beside if beside and beside.is_dir() else locate(weights)
        state = load_state_dict(folder)
    head = head_keys(backbone)
    state = {name: tensor for name, tensor in state.items() if name not in head}
    found = backbone_sha256(backbone, state)
    if found != source["sha256"]:
        raise CheckpointError(
            f"the {backbone} that {weights!r} gives is not the one that the last layer was "
            f"trained on (SHA-256 {found[:12]}, not {source['sha256'][:12]})"
        )
    return state
