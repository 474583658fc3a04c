"""Copies of pictures as another hand or camera would have taken them."""

import cv2
import numpy as np
import pandas as pd

from quality.arrays import RGBImage
from retraining.evaluation.answers import Change, Pictures, pictures_of
from retraining.transforms.corruptions import VARIANTS

REFUSED = ("blurred", "very blurred", "faded", "dark")
"""Variants of which the quality gate refuses most, so that no advice follows from them."""
DEGRADED = {name: change for name, change in VARIANTS.items() if name not in REFUSED}
ANGLES = (30, 45, 60)  # degrees; quarter turns give the same answer as none


def by_turn(changes: dict[str, Change], shift: int = 0) -> "list[Change]":
    """A list of the changes that begins `shift` later."""
    listed = list(changes.values())
    return listed[shift:] + listed[:shift]


def variant(place: int) -> Change:
    """One of `VARIANTS`, each as often as any other."""
    listed = list(VARIANTS.values())
    return listed[(place + place // len(listed) + 1) % len(listed)]


def copies(name: str, frame: pd.DataFrame) -> list[Pictures]:
    """Of every picture two degraded copies and one that is turned by an angle."""
    half = len(DEGRADED) // 2
    first, second = by_turn(DEGRADED), by_turn(DEGRADED, half)
    return [
        pictures_of(f"{name} degraded", frame, lambda place: first[place % len(first)]),
        pictures_of(f"{name} degraded otherwise", frame, lambda place: second[place % len(first)]),
        pictures_of(f"{name} turned", frame, lambda place: turning(ANGLES[place % len(ANGLES)])),
    ]


def turning(angle: float) -> Change:
    """Turned about the middle by an angle in degrees, its mirror image in the corners."""

    def turned(image: RGBImage) -> RGBImage:
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
        return np.asarray(
            cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101),
            np.uint8,
        )

    return turned
