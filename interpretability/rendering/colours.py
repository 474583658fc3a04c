"""Colour scales of attribution maps, perceptually even and safe for colour-blind readers.

Both were built in CIELAB, whose lightness is what the eye sees as even steps: a scale's lightness
falls linearly from its light end. Diverging: blue against, nearly white for nothing, orange-red
for; blue and orange stay apart with every common colour vision deficiency. Sequential: from
light yellow to dark violet, for maps without a sign.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
LEVELS = 256
# L, a, b at the ends and on the way; lightness is linear in between.
_FOR = ((97.0, 0.0, 2.0), (68.0, 34.0, 46.0), (38.0, 52.0, 44.0))
_AGAINST = ((97.0, 0.0, 2.0), (68.0, -6.0, -32.0), (38.0, 6.0, -48.0))
_STRENGTH = ((95.0, -8.0, 34.0), (60.0, 46.0, 26.0), (22.0, 28.0, -34.0))
# Outlines: a bluish green and a vermilion that differ in lightness too, Okabe and Ito's; and the
# plain pair of the older tool.
OUTLINES = {
    "safe": ((0, 158, 115), (213, 94, 0)),
    "classic": ((0, 200, 0), (220, 0, 0)),
}


def _scale(stops: tuple[tuple[float, float, float], ...], levels: int) -> Table:
    where = np.linspace(0, 1, levels)
    at = np.linspace(0, 1, len(stops))
    lab = np.stack([np.interp(where, at, [stop[i] for stop in stops]) for i in range(3)], axis=-1)
    rgb = cv2.cvtColor(lab[np.newaxis].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    return np.asarray(np.clip(rgb, 0, 1) * 255, np.float64)


@cache
def diverging() -> Table:
    """(511, 3) RGB, 0 to 255: from against over nothing to for."""
    return np.concatenate([_scale(_AGAINST, LEVELS)[:0:-1], _scale(_FOR, LEVELS)])


@cache
def sequential() -> Table:
    """(256, 3) RGB, 0 to 255: nothing first."""
    return _scale(_STRENGTH, LEVELS)


def coloured(values: NDArray[np.floating], signed: bool) -> Table:
    """Colours (..., 3) of values in [-1, 1], or [0, 1] where not `signed`."""
    table = diverging() if signed else sequential()
    low = -1.0 if signed else 0.0
    share = (np.clip(values, low, 1.0) - low) / (1.0 - low)
    places = np.rint(np.nan_to_num(share) * (len(table) - 1)).astype(np.intp)
    return np.asarray(table[places], np.float64)
