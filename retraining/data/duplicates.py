"""Near-duplicates: pictures that look the same under two lesion ids."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

import quality
from retraining.data.errors import DataError
from retraining.progress import ProgressCallback

# Perceptual hash (imagehash.phash: signs of the lowest 16 x 16 coefficients of the cosine
# transform of a 64 x 64 grey picture): 256 bits. On HAM10000, 136 of 3,207 pairs of pictures of
# one lesion differ in at most 40 bits and 5 of 50,141,898 pairs of two lesions; by eye, two of
# these five are one picture in other colours. At 48 bits it is 149 to 26, at 56 167 to 114. The
# 64-bit hash does not tell so well: at its 4 bits 111 to 311.
HASH_SIZE = 16
NEAR = 40
COLUMNS = (
    "distance", "image_a", "image_b", "lesion_a", "lesion_b", "dx_a", "dx_b", "split_a", "split_b",
)  # fmt: skip

BLOCK = 256


def hashes(paths: Sequence[Path], progress: ProgressCallback | None = None) -> NDArray[np.uint64]:
    """Perceptual hashes of pictures: uint64 (N, 4), the 256 bits of one in a row.

    Raises DataError where a picture is missing or cannot be decoded.
    """

    def one(path: Path) -> NDArray[np.uint8]:
        try:
            grey = Image.fromarray(quality.read(path)).convert("L")
        except FileNotFoundError:
            raise DataError(f"the image {path} is missing; run prepare and split again") from None
        except quality.ImageError as error:
            raise DataError(f"the image {path} cannot be decoded: {error}") from None
        return np.packbits(imagehash.phash(grey, HASH_SIZE).hash)

    rows = np.empty((len(paths), HASH_SIZE * HASH_SIZE // 8), np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, row in enumerate(pool.map(one, paths)):
            rows[done] = row
            if progress:
                progress(done + 1, len(paths))
    return rows.view(np.uint64)


def near_pairs(words: NDArray[np.uint64], near: int = NEAR) -> NDArray[np.int64]:
    """Pairs of rows that differ in at most `near` bits: int64 (pairs, 3): distance, i < j.

    words: uint64 (N, k). Compares all pairs, block by block: 50 million take seconds, and memory
    grows with N, not with its square.
    """
    found = [np.empty((0, 3), np.int64)]
    for start in range(0, len(words), BLOCK):
        block = words[start : start + BLOCK]
        distance = np.zeros((len(block), len(words) - start), np.uint16)
        for k in range(words.shape[1]):
            distance += np.bitwise_count(block[:, k, None] ^ words[None, start:, k])
        i, j = np.nonzero(distance <= near)
        later = i < j
        i, j = i[later], j[later]
        found.append(np.column_stack([distance[i, j], i + start, j + start]).astype(np.int64))
    return np.concatenate(found)


def near_duplicates(
    frames: Mapping[str, pd.DataFrame], near: int = NEAR, progress: ProgressCallback | None = None
) -> pd.DataFrame:
    """Pictures of a split that look the same but have different lesion ids, nearest first.

    Returns columns `COLUMNS`; distance is in bits of 256. Turned or mirrored pictures are not
    found. Raises DataError where a picture is missing or cannot be decoded.
    """
    frame = pd.concat([f.assign(split=name) for name, f in frames.items()], ignore_index=True)
    pairs = near_pairs(hashes([Path(p) for p in frame.path], progress), near)
    a, b = (frame.iloc[pairs[:, k]].reset_index(drop=True) for k in (1, 2))
    table = pd.DataFrame({"distance": pairs[:, 0]})
    for name, column in (
        ("image", "image_id"),
        ("lesion", "lesion_id"),
        ("dx",) * 2,
        ("split",) * 2,
    ):
        table[f"{name}_a"], table[f"{name}_b"] = a[column], b[column]
    table = table[table.lesion_a != table.lesion_b][list(COLUMNS)]
    return table.sort_values(["distance", "image_a", "image_b"], ignore_index=True)
