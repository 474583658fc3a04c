"""A split of coloured squares that a network tells apart in seconds, without archives."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from models.registry.taxonomy import HAM10000

SIDE = 32


def write_tiny_split(folder: Path, train: int = 4, val: int = 2) -> Path:
    """Write `train` and `val` images of each class, one lesion each; returns the split's folder."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 255, (len(HAM10000), 3))
    for part, count in (("train", train), ("val", val)):
        rows = []
        for code, colour in zip(HAM10000.codes, colours, strict=True):
            for _ in range(count):
                name = f"{part}_{len(rows):03d}"
                picture = np.clip(colour + rng.normal(0, 30, (SIDE, SIDE, 3)), 0, 255)
                path = folder / "images" / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), picture.astype(np.uint8))
                rows.append((name, str(path), code, f"lesion_{name}"))
        frame = pd.DataFrame(rows, columns=["image_id", "path", "dx", "lesion_id"])
        frame.to_csv(folder / f"{part}.csv", index=False)
    return folder
