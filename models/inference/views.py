"""Views of a picture: a lesion has no up, down, left or right, and a camera none either.

A network answers a picture and its turned copy a little differently. So before it is asked, every
picture is brought to its own upright: the one of its eight turned and mirrored copies that sums
over its pixels point to. All eight have the same upright, to the last bit, whoever turned them.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

VIEWS = 8
COUNTS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Symmetry:
    """One of the eight symmetries of a square: first rows and columns change places, then mirrors.

    transposed: rows become columns.
    left_right, top_bottom: mirrored after that.

    >>> turn = Symmetry(transposed=True, top_bottom=True)
    >>> turn.apply(np.array([[1, 2, 3], [4, 5, 6]])).tolist()
    [[3, 6], [2, 5], [1, 4]]
    >>> turn.undo(turn.apply(np.array([[1, 2, 3], [4, 5, 6]]))).tolist()
    [[1, 2, 3], [4, 5, 6]]
    """

    transposed: bool = False
    left_right: bool = False
    top_bottom: bool = False

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """A view of an array (H, W, ...), turned and mirrored."""
        if self.transposed:
            image = image.swapaxes(0, 1)
        return image[:: -1 if self.top_bottom else 1, :: -1 if self.left_right else 1]

    def undo(self, image: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `apply`."""
        image = image[:: -1 if self.top_bottom else 1, :: -1 if self.left_right else 1]
        return image.swapaxes(0, 1) if self.transposed else image


SYMMETRIES = tuple(
    Symmetry(transposed, left_right, top_bottom)
    for transposed in (False, True)
    for top_bottom in (False, True)
    for left_right in (False, True)
)
"""As `views_of` orders them."""
VIEW_NAMES = (
    "upright",
    "mirrored left to right",
    "mirrored top to bottom",
    "turned by half",
    "transposed",
    "turned a quarter to the right",
    "turned a quarter to the left",
    "transposed and turned by half",
)


def upright(image: NDArray[np.uint8]) -> Symmetry:
    """The symmetry that brings a picture (H, W, 3) to its upright, the same for all its copies.

    The centre of brightness lies left of the middle or on it, and above it or on it; it is at least
    as far off to the side as up or down, in shares of width and height, so that a picture and its
    squeezed copy agree. Where it lies exactly between, the first by the sums over columns and rows
    is taken; where these are symmetrical, too, so is a picture that is none of a drawing program.

    >>> picture = np.zeros((2, 3, 3), np.uint8)
    >>> picture[1, 2] = 200
    >>> upright(picture)
    Symmetry(transposed=False, left_right=True, top_bottom=True)
    """
    height, width = image.shape[:2]
    # Integers: sums of floats depend on the order, and so on how a picture was turned. One channel
    # three times as wide: over three channels OpenCV sums thirty times more slowly.
    flat = np.ascontiguousarray(image).reshape(height, -1)
    rows = _sums(cv2.reduce(flat, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), height)
    columns = _sums(cv2.reduce(flat, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), width)
    down, right = _moment(rows) * width, _moment(columns) * height
    possible = [
        one
        for one in SYMMETRIES
        if abs(right) == abs(down) or one.transposed == (abs(down) > abs(right))
        if _away(down if one.transposed else right, one.left_right)
        if _away(right if one.transposed else down, one.top_bottom)
    ]

    def profiles(one: Symmetry) -> tuple[list[int], list[int]]:
        across, along = (rows, columns) if one.transposed else (columns, rows)
        return (
            across[:: -1 if one.left_right else 1].tolist(),
            along[:: -1 if one.top_bottom else 1].tolist(),
        )

    return possible[0] if len(possible) == 1 else min(possible, key=profiles)


def set_upright(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Symmetry]:
    """A picture (H, W, 3) in its upright, and the symmetry that brought it there.

    Before it is resized: resizing rounds a picture and its turned copy differently.
    """
    found = upright(image)
    if found.transposed:
        image = np.asarray(cv2.transpose(image), np.uint8)
    if found.left_right or found.top_bottom:
        how = -1 if found.left_right and found.top_bottom else int(found.left_right)
        image = np.asarray(cv2.flip(image, how), np.uint8)
    return image, found


def _sums(values: Any, count: int) -> NDArray[np.int64]:
    """Sums over rows or columns, (count,), of their sums by channel."""
    return np.asarray(np.asarray(values, np.int64).reshape(count, -1).sum(axis=1))


def _moment(sums: NDArray[np.int64]) -> int:
    """Twice the first moment about the middle."""
    return int(sums @ np.arange(1 - len(sums), len(sums), 2, dtype=np.int64))


def _away(moment: int, mirrored: bool) -> bool:
    """Whether this mirror leaves the centre of brightness at or before the middle."""
    return moment >= 0 if mirrored else moment <= 0


def view_count(tta: bool | int) -> int:
    """How many views `tta` asks for; ValueError for a number that is none of `COUNTS`.

    >>> view_count(False), view_count(True), view_count(4)
    (1, 8, 4)
    """
    count = (VIEWS if tta else 1) if isinstance(tta, bool) else int(tta)
    if count not in COUNTS:
        raise ValueError(f"tta must be true, false or one of {COUNTS[1:]}, got {tta}")
    return count


def views_of(image: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """(S, S, 3) to (count, S, S, 3), the picture itself first.

    Two: mirrored left to right. Four: top to bottom, too. Eight: all of these turned by a
    quarter, which are all the symmetries of a square.

    >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    >>> views = views_of(image, 4)
    >>> views.shape
    (4, 2, 2, 3)
    >>> views[:, 0, 0, 0].tolist()  # what stands at the top left
    [0, 3, 6, 9]
    """
    return np.ascontiguousarray([one.apply(image) for one in SYMMETRIES[:count]])
