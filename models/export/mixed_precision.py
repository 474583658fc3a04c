"""Mixed precision: a served graph of which a part stays in float32, the rest in bfloat16.

An ensemble may have members that support bfloat16 and members that do not, see
`models.registry.backbones.Backbone.supports_bf16`. OpenVINO's processor plugin leaves a node in
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
