"""Pictures of attribution maps: arrays in, image out. Needs no torch.

Sign convention, everywhere: positive speaks for the class and is orange-red in a heatmap, green as
an outline; negative speaks against it and is blue, red as an outline. Maps without a sign run from
pale yellow to violet.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.arrays import AttributionMap
from interpretability.rendering.colours import OUTLINES, coloured
from quality.arrays import RGBImage

Pixels = NDArray[Any]
STYLES = ("heatmap", "contours", "side-by-side")
# A single pixel may be an outlier that would leave the rest without colour.
PERCENTILE = 99.5
AREA = 0.1
# What the ends of a scale mean: of maps that speak for and against, and of those without a sign.
ENDS = {True: ("against the class", "for the class"), False: ("none", "most sensitive")}
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_INK = (40, 40, 40)


def scale_of(map: AttributionMap) -> float:
    """The magnitude that gets the strongest colour: a high percentile, above 0.

    Examples:
        >>> scale_of(np.array([[-0.5, 0.25], [0, 0.5]], np.float32))
        0.5
        >>> scale_of(np.zeros((2, 2), np.float32))
        1.0
    """
    magnitude = np.abs(map[np.isfinite(map)])
    high = float(np.percentile(magnitude, PERCENTILE)) if magnitude.size else 0.0
    return high or float(magnitude.max(initial=0.0)) or 1.0


def is_signed(map: AttributionMap) -> bool:
    """Whether a map speaks against its target anywhere."""
    return bool((map < 0).any())


def heatmap(
    image: RGBImage,
    map: AttributionMap,
    opacity: float = 0.5,
    limit: float | None = None,
    signed: bool | None = None,
) -> RGBImage:
    """The map in colours over the picture, (H, W, 3) uint8 RGB.

    image: (H, W, 3) uint8 RGB; map: (H, W), NaN counts as nothing.
    opacity: of the strongest colour, 0 to 1; weaker ones are more transparent, so that where the
        map says nothing the picture stays as it is.
    limit: the magnitude of the strongest colour; default: `scale_of(map)`. Give the same to several
        to compare them.
    signed: which colours; default: `is_signed(map)`.

    Raises ValueError where the sizes differ or opacity is out of range.

    Examples:
        >>> image = np.full((2, 2, 3), 200, np.uint8)
        >>> map = np.array([[0, 0], [0, 1]], np.float32)
        >>> drawn = heatmap(image, map)
        >>> drawn.shape, drawn[0, 0].tolist()  # nothing is said of the first pixel
        ((2, 2, 3), [200, 200, 200])
        >>> bool((drawn[1, 1] != 200).any())
        True
    """
    _check(image, map)
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must be from 0 to 1, got {opacity}")
    if limit is not None and not limit > 0:
        raise ValueError(f"limit must be above 0, got {limit}")
    values = np.clip(np.nan_to_num(map) / (limit or scale_of(map)), -1, 1)
    colours = coloured(values, is_signed(map) if signed is None else signed)
    # A square root keeps weak regions visible; full weight is the opacity.
    weight = (opacity * np.sqrt(np.abs(values)))[..., np.newaxis]
    return np.asarray(np.rint(image * (1 - weight) + colours * weight), np.uint8)


def contours(
    image: RGBImage,
    map: AttributionMap,
    area: float = AREA,
    palette: str = "safe",
    limit: float | None = None,
) -> RGBImage:
    """The picture with outlines of its most important regions, (H, W, 3) uint8 RGB.

    Green lines surround what speaks for the class, red ones what speaks against it.

    area: share of the picture that the two kinds of region take up together, above 0 up to 1; a
        region of one value, such as a superpixel, is outlined whole and may take more.
    palette: `safe` for colour-blind readers, or `classic`.
    limit: magnitude below a tenth of which nothing is outlined; default: `scale_of(map)`.
    """
    _check(image, map)
    if not 0 < area <= 1:
        raise ValueError(f"area must be above 0 and at most 1, got {area}")
    if palette not in OUTLINES:
        raise ValueError(f"unknown palette {palette!r}; the palettes are {', '.join(OUTLINES)}")
    # Small islands of pixel-wise methods are no regions: average over a fortieth of the picture.
    smooth = cv2.GaussianBlur(np.nan_to_num(map), (0, 0), max(1.0, max(map.shape) / 80))
    least = max(
        float(np.quantile(np.abs(smooth), 1 - area)) if area < 1 else 0.0,
        0.1 * (limit or scale_of(np.asarray(smooth, np.float32))),
    )
    drawn = image.copy()
    width = max(2, round(max(map.shape) / 200))
    for sign, colour in zip((1, -1), OUTLINES[palette], strict=True):
        inside = (sign * smooth >= least).astype(np.uint8)
        lines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, lines, -1, (255, 255, 255), width + 2, cv2.LINE_AA)
        cv2.drawContours(drawn, lines, -1, colour, width, cv2.LINE_AA)
    return drawn


def side_by_side(
    image: RGBImage,
    maps: Sequence[AttributionMap],
    titles: Sequence[str],
    opacity: float = 0.6,
    height: int = 260,
    columns: int = 4,
) -> RGBImage:
    """The picture and several maps of it in a grid with titles and a legend, uint8 RGB.

    Methods have different units, so each map is divided by its own `scale_of` and then all share
    one scale from -1 to 1. height: of each picture, pixels.
    """
    if len(maps) != len(titles) or not maps:
        raise ValueError(f"there are {len(maps)} maps and {len(titles)} titles")
    signed = any(is_signed(one) for one in maps)
    scale = height / image.shape[0]
    size = (max(1, round(image.shape[1] * scale)), height)
    tiles = [_tile(cv2.resize(image, size, interpolation=cv2.INTER_AREA), "picture")]
    for one, title in zip(maps, titles, strict=True):
        drawn = heatmap(image, one, opacity, signed=is_signed(one) or signed)
        tiles.append(_tile(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), title))
    blank = np.full_like(tiles[0], 255)
    columns = min(columns, len(tiles))
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    sheet = np.vstack(rows)
    return np.vstack([sheet, legend(sheet.shape[1], signed)])


def legend(width: int, signed: bool = True) -> RGBImage:
    """A bar of the colours with what they mean, (44, width, 3) uint8 RGB."""
    strip = np.full((44, width, 3), 255, np.uint8)
    inner = max(1, width - 20)
    values = np.linspace(-1 if signed else 0, 1, inner)
    strip[4:18, 10 : 10 + inner] = np.rint(coloured(values, signed))
    ends = ENDS[signed]
    _write(strip, ends[0], 10, 36)
    length = cv2.getTextSize(ends[1], _FONT, 0.45, 1)[0][0]
    _write(strip, ends[1], max(10, width - 10 - length), 36)
    return strip


def png(picture: RGBImage) -> bytes:
    """The picture, uint8 RGB, as a PNG file.

    Examples:
        >>> png(np.zeros((4, 4, 3), np.uint8))[1:4]
        b'PNG'
    """
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be written as PNG")
    return data.tobytes()


def _tile(picture: Pixels, title: str) -> RGBImage:
    framed = cv2.copyMakeBorder(picture, 24, 6, 3, 3, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    _write(framed, title, 4, 17)
    return np.asarray(framed, np.uint8)


def _write(canvas: Pixels, text: str, left: int, base: int) -> None:
    cv2.putText(canvas, text, (left, base), _FONT, 0.45, _INK, 1, cv2.LINE_AA)


def _check(image: RGBImage, map: AttributionMap) -> None:
    if image.shape != (*map.shape, 3):
        raise ValueError(f"the map {map.shape} is not of the picture {image.shape}")
