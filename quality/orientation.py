"""EXIF orientation: turning a stored picture upright."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Pixels = NDArray[np.uint8]

_TURNS: dict[int, Callable[[_Pixels], _Pixels]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: stored.transpose(1, 0, 2)[:, ::-1],
    7: lambda stored: stored.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda stored: stored.transpose(1, 0, 2)[::-1],
}


def upright(stored: _Pixels, orientation: int) -> _Pixels:
    """A stored uint8 (H, W, C) picture as it is meant to be seen; C-contiguous.

    `orientation`: 1 to 8 as in EXIF 2.3, section 4.6.4 A. 5 to 8 swap height and width.
    """
    if orientation == 1:
        return stored
    return np.ascontiguousarray(_TURNS[orientation](stored))
