"""Attribution maps for the browser: small ones, their colours, and large ones as files.

A program may colour the values itself; the page lays the two pictures of them over the lesion.
"""

import base64
import io
from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.rendering import overlay

LONGEST_SIDE = 480
LEVELS = 127
# Of the strongest colour over the picture, as `assets/cases/viewer.mjs` begins with.
OPACITY = 0.6
# Of a large map, so many rows are in memory at once.
ROWS = 256


def drawn_map(
    values: NDArray[np.floating[Any]], limit: float | None = None, *, signed: bool
) -> dict[str, Any]:
    """A map, (H, W), as `encode_map`, and `signed`, `heat` and `outlines`: pictures as data URLs.

    Where they say nothing they are transparent. Outlines stand where half of `limit` is passed, in
    its colour.
    """
    encoded = encode_map(values, limit)
    shape = encoded["height"], encoded["width"]
    levels = np.frombuffer(base64.b64decode(encoded["values"]), np.int8).astype(int).reshape(shape)
    table = np.frombuffer(base64.b64decode(colour_table(signed)), np.uint8).reshape(-1, 4)
    heat = table[levels + LEVELS]
    # -1, 0 or 1: whether half of the scale is passed, and which; a line is where neighbours differ.
    side = np.trunc(2 * levels / LEVELS).clip(-1, 1).astype(int)
    outlines = np.zeros_like(heat)
    below, right = np.vstack([side[1:], side[-1:]]), np.hstack([side[:, 1:], side[:, -1:]])
    for other in (below, right):
        edge = side != other
        strongest = LEVELS * np.where(side == 0, other, side)
        outlines[edge] = table[strongest[edge] + LEVELS]
    outlines[..., 3] = np.where(outlines[..., 3] > 0, 255, 0)
    return {**encoded, "signed": signed, "heat": _address(heat), "outlines": _address(outlines)}


def _address(picture: NDArray[np.uint8]) -> str:
    """A picture, (H, W, 4) RGBA, as a data URL."""
    _, file = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))
    return f"data:image/png;base64,{base64.b64encode(file.tobytes()).decode('ascii')}"


def encode_map(values: NDArray[np.floating[Any]], limit: float | None = None) -> dict[str, Any]:
    """Maps, (H, W) or (N, H, W), as JSON: `width`, `height`, `limit` and `values`.

    `values` is base64 of signed bytes, map after map, row after row; 127 stands for `limit`, and
    what is larger is cut to it. Maps with a side above `LONGEST_SIDE` are averaged down.

    limit: None: the largest magnitude, so that nothing is cut. Where a few pixels stand out, most
        others would be 0 then.
    """
    maps = np.nan_to_num(values.astype(np.float32)).reshape(-1, *values.shape[-2:])
    height, width = maps.shape[1:]
    scale = LONGEST_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        maps = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])
    if limit is None:
        limit = float(np.abs(maps).max())
    shares = np.clip(maps / limit, -1, 1) if limit else maps
    levels = np.rint(shares * LEVELS).astype(np.int8)
    return {
        "width": maps.shape[2],
        "height": maps.shape[1],
        "limit": limit,
        "values": base64.b64encode(levels.tobytes()).decode("ascii"),
    }


@cache
def colour_table(signed: bool) -> str:
    """The colours of a map's values as `interpretability.rendering.overlay.heatmap` draws them,
    base64.

    Red, green, blue and alpha, eight bits each, for the values from -127 to 127. They come from
    drawing all values over black and over white: what is left of the white is the transparency.

    signed: of maps that speak for and against; the others have no values below 0.
    """
    values = np.linspace(-1, 1, 2 * LEVELS + 1, dtype=np.float32)[np.newaxis]
    black = np.zeros((1, values.shape[1], 3), np.uint8)
    on_black, on_white = (
        overlay.heatmap(ground, values, opacity=1.0, limit=1.0, signed=signed).astype(np.float64)[0]
        for ground in (black, black + 255)
    )
    alpha = np.clip(1 - (on_white - on_black).mean(axis=1, keepdims=True) / 255, 0, 1)
    colour = np.divide(on_black, alpha, out=np.zeros_like(on_black), where=alpha > 0)
    table = np.rint(np.hstack([colour.clip(0, 255), 255 * alpha])).astype(np.uint8)
    return base64.b64encode(table.tobytes()).decode("ascii")


def array_file(values: NDArray[np.float32], height: int, width: int) -> tuple[int, Iterator[bytes]]:
    """A map, (h, w), as a .npy file of (height, width) float32: its length, and it in pieces.

    Linear between the values, whose cells cover the whole picture. A map of 50 megapixels takes
    200 MB; no more than some rows of it are made at a time.
    """
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (height, width)}
    )
    head = header.getvalue()

    def pieces() -> Iterator[bytes]:
        yield head
        for top in range(0, height, ROWS):
            yield _rows(values, np.arange(top, min(top + ROWS, height)), height, width).tobytes()

    return len(head) + 4 * height * width, pieces()


def _rows(
    values: NDArray[np.float32], rows: NDArray[np.intp], height: int, width: int
) -> NDArray[np.float32]:
    """Some rows of a map enlarged to (height, width), as `cv2.resize` makes them of the whole."""
    cells = len(values)
    at = np.clip((rows + 0.5) * cells / height - 0.5, 0, cells - 1)
    above = np.floor(at).astype(np.intp)
    below = np.minimum(above + 1, cells - 1)
    share = (at - above).astype(np.float32)[:, np.newaxis]
    part = values[above[0] : below[-1] + 1]
    wide = cv2.resize(part, (width, len(part)), interpolation=cv2.INTER_LINEAR)
    upper, lower = wide[above - above[0]], wide[below - above[0]]
    return np.asarray(upper * (1 - share) + lower * share, "<f4")
