"""The lasting parts of the ISIC archive's pictures: train, choose and external.

A picture has one part for ever, whichever file it comes in: the first hexadecimal digit of the
SHA-256 of its lesion's id decides, or of its own where the lesion is not known.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from retraining.data.duplicates import hashes, near_pairs
from retraining.progress import ProgressCallback

EARLY = "ISIC_0023000"  # ids below are MSK's and UDA's, from there on BCN20000's
COLLECTIONS = (
    ("MSK and UDA", "ISIC_0000000", "ISIC_0022999"),
    ("HAM10000", "ISIC_0024306", "ISIC_0034320"),
    ("BCN20000", "ISIC_0053454", "ISIC_0073254"),
)
TRAIN_DIGITS = {True: "01234567", False: "0123456789ab"}  # early, later
CHOOSE_DIGITS = {True: "89a", False: "c"}
# Bits of 256 that pictures of two lesions may differ in and count as one. Fewer than inside
# HAM10000 (`retraining.data.duplicates.NEAR`): many of BCN20000's are round fields on black, which
# makes any two alike. Of its pairs at 84 pixels, 91 % are of one class within 12 bits, 66 % within
# 16 and 24 %, which is chance, within 40.
NEAR = 12
# As a split folder calls the parts.
SPLIT_OF_PART = {"train": "train", "choose": "val", "external": "test"}


def part_of(image_id: str, lesion_id: str = "") -> str:
    """`train`, `choose` or `external`; an empty `lesion_id`: the image counts as a lesion.

    >>> part_of("ISIC_0000000"), part_of("ISIC_0053453", "BCN_0000001")
    ('train', 'train')
    """
    digit = hashlib.sha256((lesion_id or image_id).encode()).hexdigest()[0]
    early = image_id < EARLY
    if digit in TRAIN_DIGITS[early]:
        return "train"
    return "choose" if digit in CHOOSE_DIGITS[early] else "external"


def collections_of(ids: Iterable[str]) -> dict[str, int]:
    """How many of the images are of which collection, by the ids that the ISIC archive gave them.

    >>> collections_of(["ISIC_0000001", "ISIC_0024306", "ISIC_0053454", "mine"])
    {'MSK and UDA': 1, 'HAM10000': 1, 'BCN20000': 1, 'others': 1}
    """
    return dict(Counter(map(_collection, ids)))


def _collection(image_id: str) -> str:
    if not re.fullmatch(r"ISIC_\d{7}", image_id):
        return "others"
    return next((name for name, first, last in COLLECTIONS if first <= image_id <= last), "others")


def parts_split(
    index: pd.DataFrame, root: Path, progress: ProgressCallback | None = None
) -> dict[str, pd.DataFrame]:
    """The parts of an index as a split: choose is val, external is test.

    Lesions that look the same and fall into two parts go with external, all of their pictures.
    root: what the index's paths are relative to.
    """
    part = pd.Series(map(part_of, index.image_id, index.lesion_id), index=index.index)
    pairs = near_pairs(hashes([root / path for path in index.path], progress), NEAR)
    alike: dict[str, set[str]] = defaultdict(set)
    lesions = index.lesion_id.to_numpy()
    for _, i, j in pairs:
        alike[lesions[i]].add(lesions[j])
        alike[lesions[j]].add(lesions[i])
    parts = dict(zip(lesions, part, strict=True))
    # Until nothing moves: what is like a lesion that moved moves too.
    moving = [a for a, others in alike.items() if any(parts[a] != parts[b] for b in others)]
    while moving:
        for lesion in moving:
            parts[lesion] = "external"
        moving = [
            a
            for a, others in alike.items()
            if parts[a] != "external" and any(parts[b] == "external" for b in others)
        ]
    found = np.array([parts[lesion] for lesion in lesions])
    return {
        split: index[found == name].reset_index(drop=True) for name, split in SPLIT_OF_PART.items()
    }
