"""Mixed precision: a served graph of which a part stays in float32, the rest in bfloat16.

Of a network that supports bfloat16, see `models.registry.backbones.Backbone.supports_bf16`, it is
the products that it makes quicker. The rest, the sums of residual blocks above all, stays in
float32 where maps are small, which takes off two fifths of what rounding does to the logits for a
twentieth of the time. An ensemble may have members that do not support it: they stay in float32
whole.

OpenVINO's processor plugin leaves a node in
float32 that has the attribute `DisablePrecisionConversion`. Its Python interface cannot set it: it
is written into the graph's file. The plugin makes matrix products and the convolutions of class
activation maps anew, without it: those are in bfloat16 all the same.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PLAIN = frozenset({"Constant", "Parameter", "Result"})
"""Types of nodes that compute nothing."""
PRODUCTS = frozenset({"Convolution", "GroupConvolution", "MatMul"})
SMALL = 8
"""A map is small where its side is at most this part of the picture's: there is next to nothing in
it to be read and written, and the larger ones' rounding matters least."""


def names_apart(model: Any, outputs: Iterable[str]) -> set[str]:
    """Names of the nodes of an `openvino.Model` that none of the outputs named is computed from."""
    waiting = [model.output(name).get_node() for name in outputs]
    within: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in within:
            within.add(node.get_friendly_name())
            waiting += [taken.get_source_output().get_node() for taken in node.inputs()]
    computed = (node for node in model.get_ops() if node.get_type_name() not in PLAIN)
    return {node.get_friendly_name() for node in computed} - within


def sums_of_small_maps(model: Any, size: int) -> set[str]:
    """Names of the nodes of an `openvino.Model` that are no products and give small maps, or none.

    size: the side of the picture, pixels.
    """
    return {
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() not in PLAIN | PRODUCTS and _is_small(node, size)
    }


def _is_small(node: Any, size: int) -> bool:
    shape = node.output(0).get_partial_shape()
    if shape.rank.is_dynamic or len(shape) < 3:
        return True
    return all(side.is_static and side.get_length() <= size // SMALL for side in list(shape)[2:])


def keep_float32(graph: Path, names: set[str]) -> None:
    """Mark the nodes of these names in the file of a graph.

    Raises ValueError where the file lacks one of them: it would be computed in bfloat16.
    """
    tree = ElementTree.parse(graph)
    layers = [layer for layer in tree.iter("layer") if layer.get("name") in names]
    missing = names - {layer.get("name") for layer in layers}
    if missing:
        raise ValueError(f"{graph} has no layers named {', '.join(sorted(missing)[:3])}")
    for layer in layers:
        marks = layer.find("rt_info")
        if marks is None:
            marks = ElementTree.Element("rt_info")
            layer.insert(1 if layer.find("data") is not None else 0, marks)
        ElementTree.SubElement(
            marks,
            "attribute",
            {"name": "DisablePrecisionConversion", "version": "0", "value": "dynamic:f16"},
        )
    tree.write(graph, encoding="utf-8", xml_declaration=True)
