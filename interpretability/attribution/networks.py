"""Copies of a network that a method can work with: same function, other modules. Needs torch.

Captum hooks modules. Where a network runs one ReLU module at several places, calls a function
instead of a module, or works in place, hooks see too little or fail. `rewritten` gives a copy in
which every activation is a module of its own and nothing is in place; batch normalisation is
folded into the convolution before it, which saves a third of the memory traffic.
"""

import copy
import operator
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, GraphModule, Node, Tracer
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.checkpoint.card import Card, load_card, member_folders
from models.registry.backbones import Backbone, get_backbone, get_layer
from models.registry.transformers import as_map

Part = tuple[nn.Module, Backbone]
Clamp = Callable[[], nn.Module]
_RELU_CALLS = {torch.relu, torch.relu_, nn.functional.relu, nn.functional.relu_}
_IN_PLACE = {operator.iadd: operator.add, operator.imul: operator.mul}


class GuidedReLU6(nn.Module):
    """ReLU6 as a ReLU, which guided backpropagation hooks, and an upper limit."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """ReLU6."""
        return torch.clamp(self.relu(values), max=6.0)


class RescaledReLU6(nn.Module):
    """ReLU6 as two ReLUs, for each of which DeepLIFT has a rule: min(r, 6) = 6 - relu(6 - r)."""

    def __init__(self) -> None:
        super().__init__()
        self.lower = nn.ReLU()
        self.upper = nn.ReLU()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """ReLU6."""
        limited: torch.Tensor = 6.0 - self.upper(6.0 - self.lower(values))
        return limited


class Activated(nn.Module):
    """A network whose head averages the ReLU of its features, with that ReLU as a module.

    Captum takes a layer's output; where a function follows that works in place, it would take the
    values before it and the gradient of another place.
    """

    def __init__(self, features: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.relu = nn.ReLU()
        self.head = head

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Logits (N, C)."""
        logits: torch.Tensor = self.head(self.relu(self.features(batch)).mean((2, 3)))
        return logits


class Pooled(nn.Module):
    """A transformer whose head averages its tokens, with the map that they are as a module."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.map = nn.Identity()
        self.head = head

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Logits (N, C)."""
        tokens: Any = self.network
        logits: torch.Tensor = self.head(
            self.map(as_map(tokens.forward_features(batch))).mean((2, 3))
        )
        return logits


class _Tracer(Tracer):
    """Takes every module without children as a leaf, also those of timm."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return not any(module.children()) or super().is_leaf_module(module, qualified_name)


class Networks:
    """The network of a checkpoint and the copies that methods need, made when first asked for.

    plain: as it was loaded. parts: the networks in it that have a feature map, and their
    backbones: one, or an ensemble's members.
    """

    def __init__(self, plain: nn.Module, card: Card, folder: Path | None = None) -> None:
        """folder: of the checkpoint; needed for an ensemble."""
        self.plain = plain.eval().requires_grad_(False)
        self.parts: list[Part] = [(plain, get_backbone(card.backbone))] if not card.members else []
        if card.members and folder is not None:
            members: Any = plain.get_submodule("members")
            for member, own in zip(members, member_folders(folder, card), strict=True):
                self.parts.append((member.network, get_backbone(load_card(own).backbone)))

    @cached_property
    def folded(self) -> nn.Module:
        """Batch normalisation folded in, channels last."""
        network = rewritten(self.plain, self.parts)
        return network.to(memory_format=torch.channels_last)

    @cached_property
    def guided(self) -> nn.Module:
        """For guided backpropagation."""
        return rewritten(self.plain, self.parts, GuidedReLU6)

    @cached_property
    def rescaled(self) -> nn.Module:
        """For DeepLIFT."""
        return rewritten(self.plain, self.parts, RescaledReLU6)

    @cached_property
    def mapped(self) -> tuple[nn.Module, list[nn.Module]]:
        """A network for Grad-CAM, and the layer of each part whose output the head averages."""
        made: dict[int, nn.Module] = {}
        layers = []
        for network, entry in self.parts:
            layer = get_layer(network, entry.gradcam_layer)
            if entry.patch:
                pooled = Pooled(network, get_layer(network, entry.head))
                made[id(network)], layer = pooled, pooled.map
            elif entry.gradcam_relu:
                activated = Activated(layer, get_layer(network, entry.head))
                made[id(network)], layer = activated, activated.relu
            layers.append(layer)
        return _with_parts(self.plain, self.parts, made), layers


def rewritten(network: nn.Module, parts: list[Part], relu6: Clamp | None = None) -> nn.Module:
    """A copy of `network` whose parts are rewritten; weights are shared where nothing is folded.

    relu6: makes the module that stands for ReLU6; default: nn.ReLU6 itself.
    """
    made = {
        # A transformer has no batch normalisation to fold and no ReLU to take apart.
        id(part): part if entry.patch else _rewritten(part, relu6 or nn.ReLU6)
        for part, entry in parts
    }
    return _with_parts(network, parts, made)


def _with_parts(network: nn.Module, parts: list[Part], made: dict[int, nn.Module]) -> nn.Module:
    """`network` with some of its parts replaced, by their ids; the others are shared."""
    kept: dict[int, Any] = {id(part): made.get(id(part), part) for part, _ in parts}
    replaced: nn.Module = kept[id(network)] if id(network) in kept else copy.deepcopy(network, kept)
    return replaced


def _rewritten(network: nn.Module, relu6: Clamp) -> nn.Module:
    graph = _Tracer().trace(network)
    traced = GraphModule(network, graph)
    modules = dict(traced.named_modules())
    for node in list(graph.nodes):
        if node.op == "call_module":
            module = modules[node.target]
            if isinstance(module, nn.ReLU):
                _replace(traced, graph, node, nn.ReLU())
            elif isinstance(module, nn.ReLU6):
                _replace(traced, graph, node, relu6())
            elif isinstance(module, nn.SiLU):
                _replace(traced, graph, node, nn.SiLU())
            elif isinstance(module, nn.BatchNorm2d):
                _fold(traced, graph, node, modules)
        elif node.op == "call_function" and node.target in _RELU_CALLS:
            _replace(traced, graph, node, nn.ReLU())
        elif node.op == "call_function":
            node.target = _IN_PLACE.get(node.target, node.target)
    traced.recompile()
    return traced.eval().requires_grad_(False)


def _replace(traced: GraphModule, graph: Graph, node: Node, module: nn.Module) -> None:
    name = f"own_{node.name}"
    traced.add_submodule(name, module)
    with graph.inserting_before(node):
        new = graph.call_module(name, (node.args[0],))
    node.replace_all_uses_with(new)
    graph.erase_node(node)


def _fold(traced: GraphModule, graph: Graph, node: Node, modules: dict[str, nn.Module]) -> None:
    """Fold a batch normalisation into the convolution that alone feeds it."""
    before = node.args[0]
    if not isinstance(before, Node) or before.op != "call_module" or len(before.users) > 1:
        return
    convolution, norm = modules[str(before.target)], modules[str(node.target)]
    if type(convolution) is not nn.Conv2d or not isinstance(norm, nn.BatchNorm2d):
        return
    _replace(traced, graph, before, fuse_conv_bn_eval(convolution, norm))
    node.replace_all_uses_with(node.args[0])  # type: ignore[arg-type]
    graph.erase_node(node)
