"""A served graph in 8-bit integers: post-training quantisation with NNCF, on real pictures.

The ranges of the activations are measured on training pictures; the out-of-distribution score and
what follows the last layer stay as they are. Rounding moves the feature maps a little in every
direction, which adds to that score, a squared distance, about as much for one picture as for the
next: what it adds on average is taken away again. Needs NNCF, but no torch where the export is
there.
"""

import csv
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR, load_card, locate
from models.errors import CheckpointError
from models.export.export import GRAPH_FILE, INT8_SUFFIX, export, exported, publish

SCORE = "ood"  # output of the graph, see `models.export.graph`
PICTURES = 300
"""NNCF's own default number of calibration samples."""


def quantise(
    name: str | Path,
    calibration: Path,
    cache: Path | None = None,
    *,
    root: Path = WEIGHTS_DIR,
    pictures: int = PICTURES,
) -> Path:
    """Make the 8-bit export of a checkpoint and return its folder; at once if it is there.

    calibration: a table with the column `path`, such as the train.csv of a split; `pictures` of
        its images are used, taken evenly. Paths are relative to the table's folder.

    Raises CheckpointError where the checkpoint or NNCF is missing, ValueError for a table without
    pictures, OSError where it cannot be read.
    """
    found = exported(name, cache, root=root, int8=True)
    if found is not None:
        return found
    try:
        import nncf  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise CheckpointError(
            "8-bit exports need NNCF, which is in the environment of training"
        ) from None
    from models.runtime import ov

    paths = _paths(calibration, pictures)
    folder = locate(name, root)
    plain = export(name, cache, root=root)
    model = ov.Core().read_model(plain / GRAPH_FILE)
    # Not by its own `set_log_level`, which also sets the level of handlers that are not its own.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    quantised = nncf.quantize(
        model,
        nncf.Dataset(list(_samples(model, folder, paths))),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(paths),
        ignored_scope=nncf.IgnoredScope(names=_kept(model), validate=False),
    )
    _level_score(model, quantised, _samples(model, folder, paths))
    return publish(quantised, plain.with_name(plain.name + INT8_SUFFIX))


def _kept(model: Any) -> list[str]:
    """The nodes of the score, of an ensemble's mean, and all that is computed from them.

    NNCF would round what an ensemble joins as well: to the range of the calibration, in which
    nothing is out of distribution.
    """
    kept: dict[str, None] = {}
    for node in model.get_ordered_ops():
        sources = [taken.get_source_output().get_node() for taken in node.inputs()]
        begins = ".score/" in node.get_friendly_name() or node.get_type_name() == "LogSoftmax"
        if begins or any(source.get_friendly_name() in kept for source in sources):
            kept[node.get_friendly_name()] = None
    return list(kept)


def _level_score(
    plain: Any, quantised: Any, samples: Iterable[dict[str, NDArray[np.uint8]]]
) -> None:
    """Subtract from the score of `quantised`, if it has one, what it has too much on average."""
    from models.runtime import ov

    if not any(SCORE in output.names for output in plain.outputs):
        return
    core = ov.Core()
    graphs = [core.compile_model(graph, "CPU") for graph in (plain, quantised)]
    scores = np.array([[float(graph(sample)[SCORE][0]) for graph in graphs] for sample in samples])
    before, after = scores.mean(axis=0)
    ops = ov.opset13
    result = quantised.output(SCORE).get_node()
    source = result.input_value(0)
    names = source.get_tensor().get_names()
    source.get_tensor().set_names({f"{SCORE}_rounded"})
    level = np.array([max(0.0, after - before)], np.float32)
    levelled = ops.relu(ops.subtract(source, ops.constant(level))).output(0)
    levelled.get_tensor().set_names(names)
    result.input(0).replace_source_output(levelled)
    quantised.validate_nodes_and_infer_types()


def _paths(table: Path, count: int) -> list[Path]:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "path" not in rows[0]:
        raise ValueError(f"{table} must be a table of images with the column path")
    step = max(1, len(rows) // count)
    return [table.parent / row["path"] for row in rows[::step][:count]]


def _samples(model: Any, folder: Path, paths: list[Path]) -> Iterator[dict[str, NDArray[np.uint8]]]:
    """The graph's inputs for each picture."""
    own = load_card(folder).preprocessing
    sizes = {
        taken.get_any_name(): int(taken.get_partial_shape()[1].get_length())
        for taken in model.inputs
    }
    for path in paths:
        image = quality.read(path)
        yield {
            name: replace(own, input_size=size).resize(image)[np.newaxis]
            for name, size in sizes.items()
        }
