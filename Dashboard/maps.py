"""Attribution maps as the page draws them: small, eight bits, with the value that stands for one.

The browser colours them, so that an opacity or a common scale of several changes at once.
"""

import base64
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST_SIDE = 480
LEVELS = 127


def encode_map(values: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Maps, (H, W) or (N, H, W), as JSON: `width`, `height`, `limit` and `values`.

    `values` is base64 of signed bytes, map after map, row after row; 127 stands for `limit`, the
    largest magnitude. Maps with a side above `LONGEST_SIDE` are averaged down.
    """
    maps = values.astype(np.float32).reshape(-1, *values.shape[-2:])
    height, width = maps.shape[1:]
    scale = LONGEST_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        maps = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])
    limit = float(np.abs(maps).max())
    levels = np.rint(maps * (LEVELS / limit if limit else 0.0)).astype(np.int8)
    return {
        "width": maps.shape[2],
        "height": maps.shape[1],
        "limit": limit,
        "values": base64.b64encode(levels.tobytes()).decode("ascii"),
    }
