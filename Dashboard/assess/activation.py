"""Class activation maps as a kept answer holds them: a few hundred bytes for all classes."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.attribution.placement import cell_jump, placed
from models.checkpoint.card import ENSEMBLE
from models.inference.classifier import Prediction
from models.inference.views import Symmetry

LEVELS = 127
# Values for each cell and side: where a cell's centre lies shows in them.
CELL = 4


def packed(prediction: Prediction) -> dict[str, Any] | None:
    """The maps of a prediction as JSON: signed bytes, of which 127 stands for `limit`.

    None where the model has no maps, or was not asked for them.
    """
    if prediction.cam is None:
        return None
    maps = np.nan_to_num(prediction.cam)
    limit = float(np.abs(maps).max())
    levels = np.rint(maps * (LEVELS / limit if limit else 0)).astype(np.int8)
    return {
        "codes": list(prediction.probabilities),
        "shape": list(maps.shape),
        "limit": limit,
        "values": base64.b64encode(levels.tobytes()).decode("ascii"),
        "backbone": prediction.backbone,
        "upright": asdict(prediction.upright),
    }


def unpacked(kept: Mapping[str, Any], code: str) -> NDArray[np.float32]:
    """The map (H, W) of one class over the picture as it came, which was turned to be classified.

    kept: as of `packed`.

    >>> kept = {"codes": ["nv"], "shape": [1, 1, 2], "limit": 2.0, "values": "fwA=",
    ...         "backbone": "ensemble", "upright": {"transposed": True}}
    >>> unpacked(kept, "nv").tolist()
    [[2.0], [0.0]]
    """
    levels = np.frombuffer(base64.b64decode(kept["values"]), np.int8).reshape(kept["shape"])
    one = levels[kept["codes"].index(code)].astype(np.float32) * (kept["limit"] / LEVELS)
    (shown,) = in_place(one[np.newaxis], kept["backbone"])
    return np.ascontiguousarray(Symmetry(**kept["upright"]).undo(shown))


def in_place(maps: NDArray[np.float32], backbone: str) -> NDArray[np.float32]:
    """Maps (C, h, w), as (C, CELL h, CELL w) that cover the picture, cells at their centres.

    The mean over networks of several kinds has no one place for its cells and is stretched.
    """
    if backbone == ENSEMBLE:
        return maps
    cells = maps.shape[1]
    size = (CELL * cells, CELL * cells)
    drawn: Sequence[NDArray[np.float32]] = [
        placed(one, backbone, round(cell_jump(backbone)) * cells) for one in maps
    ]
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in drawn])
