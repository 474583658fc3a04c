"""The served model for many small changes of one picture: batches in, logits out. No torch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.export.export import GRAPH_FILE, exported
from models.inference.cores import usable_cores
from models.registry.preprocessing import Preprocessing
from models.runtime import ov

BATCH = 16


class ServedBatches:
    """An export, compiled to answer batches; one thread at a time may use it."""

    def __init__(self, folder: Path, preprocessing: Preprocessing, precision: str) -> None:
        """Compile the logits of the export of checkpoint `folder`.

        preprocessing: of the card. precision: `f32` or `bf16`, as the classifier's.
        """
        path = exported(folder)
        if path is None:
            raise FileNotFoundError(f"{folder.name} is not exported")
        core = ov.Core()
        graph = core.read_model(path / GRAPH_FILE)
        graph = ov.Model([graph.output("logits")], graph.get_parameters(), folder.name)
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": usable_cores(),
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        compiled = core.compile_model(graph, "CPU", settings)
        self._request: Any = compiled.create_infer_request()
        # An ensemble takes the picture at each size among its members.
        self._scales = [
            Preprocessing(
                int(one.get_partial_shape()[1].get_length()), preprocessing.mean, preprocessing.std
            )
            for one in compiled.inputs
        ]

    def logits(self, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits (N, C) of squares (N, S, S, 3) uint8 RGB."""
        rows = []
        for start in range(0, len(squares), BATCH):
            batch = squares[start : start + BATCH]
            inputs = {
                index: np.stack([scale.resize(one) for one in batch])
                for index, scale in enumerate(self._scales)
            }
            self._request.infer(inputs, share_inputs=True)
            rows.append(np.array(self._request.get_output_tensor(0).data, np.float32))
        return np.concatenate(rows)
