"""Views of a picture for test-time augmentation: a lesion has no up, down, left or right."""

import numpy as np
from numpy.typing import NDArray

VIEWS = 8
COUNTS = (1, 2, 4, 8)


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
    views = [image]
    if count >= 2:
        views.append(image[:, ::-1])
    if count >= 4:
        views += [view[::-1] for view in views]
    if count >= 8:
        views += [view.transpose(1, 0, 2) for view in views]
    return (
        np.ascontiguousarray(np.stack(views))
        if count > 1
        else np.ascontiguousarray(image)[np.newaxis]
    )
