"""The index of a data set, and its images as a memory-mapped array of pixels."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.registry.preprocessing import Preprocessing
from quality.output import replacing
from retraining.data.errors import DataError as DataError
from retraining.data.metadata import INDEX_COLUMNS as INDEX_COLUMNS
from retraining.data.metadata import SOURCE_COLUMN
from retraining.data.metadata import TAXONOMY_FILE as TAXONOMY_FILE
from retraining.data.prepare import INDEX_FILE as INDEX_FILE
from retraining.data.prepare import prepare as prepare
from retraining.progress import ProgressCallback


def load_index(path: Path) -> pd.DataFrame:
    """Read an index or a split; empty cells are empty strings, age is a number."""
    needed = {"image_id", "path", "dx", "lesion_id"}
    text = {"image_id": str, "dx": str, SOURCE_COLUMN: str}
    try:
        frame = pd.read_csv(path, keep_default_na=False, dtype=text)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    lacking = sorted(needed - set(frame.columns))
    if lacking:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
    return frame


def pixels(
    frame: pd.DataFrame,
    root: Path,
    size: int,
    cache: Path,
    progress: ProgressCallback | None = None,
) -> NDArray[np.uint8]:
    """The images of `frame`, stretched to `size`, as a memory-mapped (N, size, size, 3) array.

    Each image is decoded once; the array stays in `cache` under a key of the images, their
    modification times and the size.
    """
    paths = [root / p for p in frame.path]
    stamp = "\n".join(f"{p}\t{(s := p.stat()).st_size}\t{s.st_mtime_ns}" for p in paths)
    key = hashlib.sha256(f"{size}\n{stamp}".encode()).hexdigest()[:16]
    target = cache / f"pixels-{size}-{key}.npy"
    if not target.is_file():
        with replacing(target) as temporary:
            _decode_all(temporary, paths, size, progress)
    return np.asarray(np.load(target, mmap_mode="r"))


def _decode_all(
    target: Path, paths: Sequence[Path], size: int, progress: ProgressCallback | None
) -> None:
    resize = Preprocessing(size, (0, 0, 0), (1, 1, 1)).resize
    out = np.lib.format.open_memmap(
        target, mode="w+", dtype=np.uint8, shape=(len(paths), size, size, 3)
    )
    # Decoding and resizing release the interpreter's lock, so threads use all cores.
    with ThreadPoolExecutor() as pool:
        for done, picture in enumerate(pool.map(lambda p: resize(quality.read(p)), paths)):
            out[done] = picture
            if progress:
                progress(done + 1, len(paths))
    out.flush()
