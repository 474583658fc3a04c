"""From the HAM10000 archives to an index of images and a memory-mapped array of pixels."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.preprocessing import Preprocessing
from models.taxonomy import HAM10000, Taxonomy
from retraining.files import replacing, write_text

INDEX_FILE = "index.csv"
TAXONOMY_FILE = "taxonomy.json"
INDEX_COLUMNS = (
    "image_id",
    "path",
    "dx",
    "lesion_id",
    "age",
    "sex",
    "localization",
    "dx_type",
    "mask",
)
METADATA_FILE = "HAM10000_metadata.csv"
IMAGE_ARCHIVES = ("HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip")
MASK_ARCHIVE = "HAM10000_segmentations_lesion_tschandl.zip"

Progress = Callable[[int, int], None]


class DataError(ValueError):
    """A data folder that does not hold what is needed."""


def prepare(source: Path, out: Path, progress: Progress | None = None) -> pd.DataFrame:
    """Read the archives as distributed, check them, extract the images and write the index.

    source: a folder with the metadata file, the two image archives and, if wanted, the archive
        of lesion masks.
    out: gets `images/`, `masks/` and `index.csv` (columns `INDEX_COLUMNS`; paths relative to
        `out`; an empty mask where there is none).
    Raises DataError where a file is missing, a class is unknown, an id stands twice or a row has
    no image.
    """
    missing = [n for n in (METADATA_FILE, *IMAGE_ARCHIVES) if not (source / n).is_file()]
    if missing:
        raise DataError(
            f"{source} lacks {', '.join(missing)}; it must hold the archives as distributed: "
            f"{METADATA_FILE}, {', '.join(IMAGE_ARCHIVES)} and, if wanted, {MASK_ARCHIVE}"
        )
    metadata = read_metadata(source / METADATA_FILE)
    images: dict[str, str] = {}
    for archive in IMAGE_ARCHIVES:
        images |= _extract(source / archive, out / "images", progress)
    without = sorted(set(metadata.image_id) - set(images))
    if without:
        raise DataError(
            f"{len(without)} rows of {METADATA_FILE} have no image, the first is {without[0]}"
        )
    masks: dict[str, str] = {}
    if (source / MASK_ARCHIVE).is_file():
        extracted = _extract(source / MASK_ARCHIVE, out / "masks", progress)
        masks = {k.removesuffix("_segmentation"): v for k, v in extracted.items()}
    index = metadata.assign(
        path=metadata.image_id.map(lambda i: f"images/{images[i]}"),
        mask=metadata.image_id.map(lambda i: f"masks/{masks[i]}" if i in masks else ""),
    )
    index = index[list(INDEX_COLUMNS)].sort_values("image_id", ignore_index=True)
    write_text(out / TAXONOMY_FILE, taxonomy_text(HAM10000))
    write_text(out / INDEX_FILE, index.to_csv(index=False))
    return index


def taxonomy_text(taxonomy: Taxonomy) -> str:
    """What stands in a `taxonomy.json`."""
    return json.dumps(taxonomy.to_dict(), indent=2, ensure_ascii=False) + "\n"


def read_metadata(path: Path) -> pd.DataFrame:
    """The metadata file, checked: columns, known classes, no id twice."""
    frame = pd.read_csv(path, dtype={"image_id": str, "lesion_id": str, "dx": str})
    needed = {"lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"}
    lacking = sorted(needed - set(frame.columns))
    if lacking:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
    unknown = sorted(set(frame.dx) - set(HAM10000.codes))
    if unknown:
        raise DataError(
            f"{path} has the classes {', '.join(map(str, unknown))}; "
            f"known are {', '.join(HAM10000.codes)}"
        )
    twice = frame.image_id[frame.image_id.duplicated()]
    if len(twice):
        raise DataError(f"{path} names {len(twice)} images twice, the first is {twice.iloc[0]}")
    return frame


def _extract(archive: Path, folder: Path, progress: Progress | None) -> dict[str, str]:
    """Extract the pictures of a zip file flat into `folder`; returns {stem: file name}."""
    names: dict[str, str] = {}
    with zipfile.ZipFile(archive) as file:
        members = [
            m
            for m in file.infolist()
            if PurePosixPath(m.filename).suffix.lower() in quality.IMAGE_SUFFIXES
        ]
        for done, member in enumerate(members, 1):
            # Only the last part of the name is used: an archive cannot write elsewhere.
            name = PurePosixPath(member.filename).name
            stem = PurePosixPath(name).stem
            if stem in names:
                raise DataError(f"{archive.name} holds {stem} twice")
            names[stem] = name
            target = folder / name
            if not target.is_file() or target.stat().st_size != member.file_size:
                with (
                    replacing(target) as temporary,
                    file.open(member) as data,
                    temporary.open("wb") as copy,
                ):
                    shutil.copyfileobj(data, copy)
            if progress:
                progress(done, len(members))
    return names


def load_index(path: Path) -> pd.DataFrame:
    """Read an index or a part of a split; empty cells are empty strings, age is a number."""
    needed = {"image_id", "path", "dx", "lesion_id"}
    try:
        frame = pd.read_csv(path, keep_default_na=False, dtype={"image_id": str, "dx": str})
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    lacking = sorted(needed - set(frame.columns))
    if lacking:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
    return frame


def pixels(
    frame: pd.DataFrame, root: Path, size: int, cache: Path, progress: Progress | None = None
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


def _decode_all(target: Path, paths: Sequence[Path], size: int, progress: Progress | None) -> None:
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
