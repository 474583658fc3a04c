"""Views of a picture for test-time augmentation: a lesion has no up, down, left or right."""

import numpy as np
from numpy.typing import NDArray

VIEWS = 8
COUNTS = (1, 2, 4, 8)


def view_count(tta: bool | int) -> int:
    """How many views `tta` asks for; ValueError for a number that is none of `COUNTS`."""
    count = (VIEWS if tta else 1) if isinstance(tta, bool) else int(tta)
    if count not in COUNTS:
        raise ValueError(f"tta must be true, false or one of {COUNTS[1:]}, got {tta}")
    return count


def views_of(image: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """(S, S, 3) to (count, S, S, 3), the picture itself first.

    Two: mirrored left to right. Four: top to bottom, too. Eight: all of these turned by a
    quarter, which are all the symmetries of a square.
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
