"""A checkpoint's network with all that serving needs around it, as an OpenVINO model.

Making it needs torch. The graph takes uint8 (N, S, S, 3) RGB, any N, and normalises inside; an
ensemble's takes one such input for each input size among its members, each scaled from the
original picture, so that members see in it what they see when they are served alone.

Outputs, by name:

- `logits`: (N, C), before temperature; of an ensemble the logarithm of the weighted mean of its
  members' calibrated probabilities.
- `features`: (N, D), the input of the last linear layer. Not of an ensemble.
- `feature_map`: (N, D, h, w), not negative where the network's head sees a ReLU; its spatial mean
  is `features`. Not of an ensemble.
- `cam`: (N, C, h, w), class activation maps: the feature map weighted by the last layer's weights
  (Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016). Its spatial
  mean is the logit without the bias, and before its ReLU Grad-CAM of a class's logit is the same
  map divided by h w (Selvaraju et al., ICCV 2017). Only where the head is global average pooling
  and one linear layer. Of an ensemble the weighted mean of its members' maps, each divided by its
  temperature, on the finest grid among them.
- `embedding`: (N, E), the spatial means of the backbone's `stages`, which the out-of-distribution
  score is computed from. Not of an ensemble.
- `ood`: (N,), the out-of-distribution score, higher for images less like the training images; see
  `models.checkpoint.ood_parameters`. Only where its parameters have been fitted. Of an ensemble
  the mean over the members.
- `members`: (N, M, C), the logarithms of each member's calibrated probabilities. Of an ensemble.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.checkpoint.card import OOD_FILE, Card
from models.checkpoint.ensemble import log_mean
from models.checkpoint.ood_parameters import OodParameters
from models.errors import OodWidthError
from models.export.mixed_precision import names_apart, sums_of_small_maps
from models.registry.backbones import get_backbone, get_layer
from models.registry.transformers import as_map, at_size

if TYPE_CHECKING:
    import torch

OUTPUTS = ("logits", "features", "feature_map", "cam", "embedding", "ood")
MEMBER_OUTPUTS = ("logits", "cam", "ood", "members")
HEAD_INPUT = "input of the head"  # no path of a layer has spaces


@dataclass(frozen=True)
class Part:
    """One network of a served graph: in evaluation mode, its card, its fitted score or None."""

    network: "torch.nn.Module"
    card: Card
    ood: OodParameters | None = None


def input_name(size: int, sizes: Sequence[int]) -> str:
    """The name of the graph's input for pictures of `size`, where its inputs have `sizes`."""
    return "image" if len(sizes) == 1 else f"image_{size}"


def convert(parts: Sequence[Part], shares: Sequence[float] = ()) -> tuple[Any, set[str]]:
    """The `openvino.Model` of one network, or of the ensemble of several, weighted by `shares`.

    float32; the inputs and outputs are those of this module's docstring.

    Returns the model, and the names of the nodes that are to stay in float32 where it is served in
    bfloat16: of members that support it the sums of small maps, of others all.
    """
    import torch
    from openvino._offline_transformations import apply_moc_transformations
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    from torch.jit._trace import TracerWarning

    sizes = sorted({part.card.preprocessing.input_size for part in parts})
    supporting = [place for place, part in enumerate(parts) if _supports_bf16(part)]
    has_bf16 = bool(supporting)
    supporting = supporting if len(supporting) < len(parts) else []
    module, names = _served(parts, shares, sizes, supporting)
    with warnings.catch_warnings(), torch.no_grad():
        # OpenVINO reads TorchScript; torch announces its end with every call.
        warnings.filterwarnings("ignore", message=r".*torch\.jit", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # A transformer asks for the picture's size, which is that of the example for good.
        warnings.filterwarnings("ignore", category=TracerWarning)
        decoder = TorchScriptPythonDecoder(
            module.eval(),
            example_input=tuple(torch.zeros(2, 3, size, size) for size in sizes),
            # The check runs the network twice more; the tests compare the result with torch.
            trace_kwargs={"check_trace": False},
        )
    # Not ov.convert_model: it wraps the same calls in telemetry and argument parsing.
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    for image, size in zip(model.inputs, sizes, strict=True):
        image.get_node().set_partial_shape(_shape(-1, 3, size, size))
        image.tensor.set_names({input_name(size, sizes)})
    model.validate_nodes_and_infer_types()
    for output, name in zip(model.outputs, names, strict=True):
        output.tensor.set_names({name})
    model = _with_8_bit_inputs(model)
    apply_moc_transformations(model, True)  # folds what is constant, batch normalisation above all
    own = [_own_features(place) for place in supporting]
    exact = names_apart(model, own) if own else set()
    if has_bf16:
        exact |= sums_of_small_maps(model, min(sizes))
    for name in own:
        model.remove_result(model.output(name).get_node())
    return model, exact


def _supports_bf16(part: Part) -> bool:
    return get_backbone(part.card.backbone).supports_bf16


def _own_features(place: int) -> str:
    """The name of what a member's last layer takes, while a graph is made."""
    return f"features of member {place}"


def _served(
    parts: Sequence[Part], shares: Sequence[float], sizes: Sequence[int], shown: Sequence[int]
) -> tuple["torch.nn.Module", tuple[str, ...]]:
    """The module to trace, from pictures in 0..255 to its outputs, and the outputs' names.

    shown: places of the members whose own features are outputs, too.
    """
    import torch

    tapped = [_tapped(part) for part in parts]
    has_cam = all(get_backbone(part.card.backbone).pooled_linear for part in parts)
    has_ood = all(part.ood is not None for part in parts)
    wanted = OUTPUTS if len(parts) == 1 else MEMBER_OUTPUTS
    missing = {"cam": not has_cam, "ood": not has_ood}
    names = tuple(name for name in wanted if not missing.get(name))
    names += tuple(_own_features(place) for place in shown)
    places = [sizes.index(part.card.preprocessing.input_size) for part in parts]
    temperatures = [part.card.temperature for part in parts]
    grids = [_grid(one, sizes[place]) for one, place in zip(tapped, places, strict=True)]

    class Served(torch.nn.Module):
        """One network, or the mean over several."""

        def __init__(self) -> None:
            super().__init__()
            self.members = torch.nn.ModuleList(tapped)

        def forward(self, *images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = [
                member(images[place]) for member, place in zip(self.members, places, strict=True)
            ]
            if len(found) == 1:
                return tuple(found[0][name] for name in names)
            logs = [
                (one["logits"] / t).log_softmax(1)
                for one, t in zip(found, temperatures, strict=True)
            ]
            joined = {"logits": log_mean(logs, shares), "members": torch.stack(logs, 1)}
            if has_cam:
                joined["cam"] = _mean_map(
                    [one["cam"] / t for one, t in zip(found, temperatures, strict=True)],
                    grids,
                    shares,
                )
            if has_ood:
                joined["ood"] = torch.stack([one["ood"] for one in found]).mean(0)
            own = {_own_features(place): found[place]["features"] for place in shown}
            return tuple((joined | own)[name] for name in names)

    return Served(), names


def _tapped(part: Part) -> "torch.nn.Module":
    """The module from a picture (N, 3, S, S) in 0..255 to a dictionary of outputs."""
    import torch

    entry = get_backbone(part.card.backbone)
    preprocessing = part.card.preprocessing

    class Tapped(torch.nn.Module):
        """The network, with what passes through its layers beside the logits."""

        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network = at_size(part.network, entry, preprocessing.input_size)
            self.score = part.ood.module() if part.ood else None
            self.width = len(part.ood.mean) if part.ood else None
            for name in ("mean", "std"):
                values = 255 * torch.tensor(getattr(preprocessing, name))
                self.register_buffer(name, values.view(1, 3, 1, 1))

        def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
            taps: dict[str, torch.Tensor] = {}

            def keep(path: str) -> Any:
                layer = get_layer(self.network, path)
                return layer.register_forward_hook(
                    lambda _layer, _inputs, output: taps.__setitem__(path, as_map(output))
                )

            head = get_layer(self.network, entry.head)
            hooks = [keep(path) for path in (*entry.stages, entry.gradcam_layer)]
            hooks.append(
                head.register_forward_hook(
                    lambda _layer, inputs, _output: taps.__setitem__(HEAD_INPUT, inputs[0])
                )
            )
            try:
                logits = self.network((image - self.mean) / self.std)
            finally:
                for hook in hooks:
                    hook.remove()
            last = taps[entry.gradcam_layer]
            last = last.relu() if entry.gradcam_relu else last
            embedding = torch.cat([taps[path].mean((2, 3)) for path in entry.stages], 1)
            found = {
                "logits": logits,
                "features": taps[HEAD_INPUT],
                "feature_map": last,
                "embedding": embedding,
            }
            if entry.pooled_linear:
                weight: Any = head.weight
                found["cam"] = torch.nn.functional.conv2d(last, weight[:, :, None, None])
            if self.score is not None:
                if embedding.shape[1] != self.width:
                    raise OodWidthError(
                        f"{OOD_FILE} of {part.card.name} was fitted on {self.width} channel means, "
                        f"its network has {embedding.shape[1]} to fit on: fit it again with "
                        f"python -m retraining ood {part.card.name}"
                    )
                found["ood"] = self.score(embedding)
            return found

    return Tapped()


def _grid(tapped: "torch.nn.Module", size: int) -> tuple[int, int]:
    """Height and width of the feature map that a picture of `size` gives."""
    import torch

    with torch.no_grad():
        shape = tapped.eval()(torch.zeros(1, 3, size, size))["feature_map"].shape
    return int(shape[2]), int(shape[3])


def _mean_map(
    maps: "Sequence[torch.Tensor]", grids: Sequence[tuple[int, int]], shares: Sequence[float]
) -> "torch.Tensor":
    """Mean of class activation maps (N, C, h, w) of the sizes `grids`, on the finest of them.

    The sizes are given because a trace would keep a choice by a tensor's shape as it fell.
    """
    import torch

    finest = max(grids)
    same = [
        one
        if grid == finest
        else torch.nn.functional.interpolate(one, finest, mode="bilinear", align_corners=False)
        for one, grid in zip(maps, grids, strict=True)
    ]
    return torch.stack([one * share for one, share in zip(same, shares, strict=True)]).sum(0)


def _shape(*dimensions: int) -> Any:
    from models.runtime import ov

    return ov.PartialShape(list(dimensions))


def _with_8_bit_inputs(model: Any) -> Any:
    from models.runtime import ov

    steps = ov.preprocess.PrePostProcessor(model)
    for image in model.inputs:
        taken = steps.input(image.get_any_name())
        taken.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        taken.model().set_layout(ov.Layout("NCHW"))
        taken.preprocess().convert_element_type(ov.Type.f32)
    return steps.build()
