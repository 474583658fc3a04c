"""Splits on disk: what stands in a split folder, and reading it with its checks."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import pandas as pd
from PIL import Image

from models.registry.taxonomy import HAM10000, Taxonomy
from quality.output import write_text
from retraining.data.index import TAXONOMY_FILE, DataError, load_index
from retraining.data.metadata import taxonomy_text
from retraining.data.parts import collections_of
from retraining.data.split_schemes import SPLITS as SPLITS
from retraining.data.split_schemes import grouped_split as grouped_split

SPLIT_FILE = "split.json"
PER_CLASS = "per-class"
COMMONEST = 5
SOURCE = "source"
PARTS = "parts"  # whose splits may lack classes

logger = logging.getLogger(__name__)


class SplitManifest(TypedDict, total=False):
    """`split.json`: how a split was made, and what is in it.

    How: `scheme`, and of it `fractions`, `seed`, `folds` and `fold`, `sources` and `source`.
    What: `sha256`, `judged_sha256`, `counts`, `lesions`, `lesions_leaked`, `sizes`, see
    `described`.
    """

    scheme: str
    fractions: list[float]
    seed: int
    folds: int
    fold: int
    sources: list[str]
    source: str
    sha256: str
    judged_sha256: str
    counts: dict[str, dict[str, int]]
    lesions: dict[str, int]
    lesions_leaked: int
    sizes: dict[str, int]
    collections: dict[str, int]


def split_hash(frames: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 over every split's image ids and classes: equal splits have equal hashes."""
    digest = hashlib.sha256()
    for name in sorted(frames):
        rows = sorted(zip(frames[name].image_id, frames[name].dx, strict=True))
        digest.update(f"{name}\n{rows}\n".encode())
    return digest.hexdigest()


def write_split(
    frames: Mapping[str, pd.DataFrame],
    data: Path,
    out: Path,
    scheme: str = "grouped",
    **origin: Any,
) -> SplitManifest:
    """Write `<split>.csv` for every split, with paths that hold from anywhere, and its manifest.

    The manifest, `split.json`, is returned: the scheme, whatever `origin` tells of how the split
    was made (fractions, seed, fold, source), and `described`. The classes go into `taxonomy.json`.
    """
    root = data.resolve()
    for name in SPLITS:
        if name not in frames:
            (out / f"{name}.csv").unlink(missing_ok=True)
    for name, frame in frames.items():
        places = {
            column: [str(root / p) if p else "" for p in frame[column]]
            for column in ("path", "mask")
            if column in frame
        }
        write_text(out / f"{name}.csv", frame.assign(**places).to_csv(index=False))
    write_text(out / TAXONOMY_FILE, taxonomy_text(load_taxonomy(data)))
    manifest = {"scheme": scheme, **origin, **described(frames, root)}
    write_text(out / SPLIT_FILE, json.dumps(manifest, indent=2) + "\n")
    return cast(SplitManifest, manifest)


def judged_hash(frames: Mapping[str, pd.DataFrame]) -> str:
    """`split_hash` of all but train: equal where the same images are kept from training."""
    return split_hash({name: frame for name, frame in frames.items() if name != "train"})


def described(frames: Mapping[str, pd.DataFrame], root: Path | None = None) -> dict[str, Any]:
    """What a run and a card say of a split.

    `sha256`, `judged_sha256` (of all but train), `counts` of images per split and class, `lesions`
    per split, how many are in two (`lesions_leaked`), how many images have which of the commonest
    `sizes` in pixels, as `600x450`, and how many of train are of which of the ISIC archive's
    `collections`. Paths are relative to `root`; a picture that cannot be opened has no size.
    """
    sizes = Counter(
        size for f in frames.values() for path in f.path if (size := _size((root or Path()) / path))
    )
    return {
        "sha256": split_hash(frames),
        "judged_sha256": judged_hash(frames),
        "counts": {n: f.dx.value_counts().sort_index().to_dict() for n, f in frames.items()},
        "lesions": {n: int(f.lesion_id.nunique()) for n, f in frames.items()},
        "lesions_leaked": len(leaked_lesions(frames)),
        "sizes": dict(sizes.most_common(COMMONEST)),
        "collections": collections_of(frames["train"].image_id) if "train" in frames else {},
    }


def _size(path: Path) -> str | None:
    try:
        with Image.open(path) as picture:  # the header alone
            return "x".join(map(str, picture.size))
    except OSError:
        return None


def load_split(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the splits that are there.

    Raises DataError where train.csv is missing, where a split has a class that is not one of
    `taxonomy.json` or lacks one that is, and where a lesion is in two splits. The last is only a
    warning where `split.json` says that the split was made per class, which leaks lesions, and so
    is a class that test lacks where it says that test is a source, which need not have all.
    """
    frames = read_splits(folder)
    absent = absent_classes(frames["test"], load_taxonomy(folder)) if "test" in frames else []
    if absent:
        logger.warning(
            "%s has no image of class %s; scores on it are of the classes that it has",
            folder / "test.csv",
            ", ".join(absent),
        )
    leaked = leaked_lesions(frames)
    if leaked and read_manifest(folder).get("scheme") == PER_CLASS:
        logger.warning(leak(leaked, folder))
    elif leaked:
        raise DataError(leak(leaked, folder))
    return frames


def read_splits(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the splits that are there, leaked lesions or not; DataError as `load_split`."""
    if not (folder / "train.csv").is_file():
        raise DataError(
            f"{folder} has no train.csv; make a split with `python -m retraining split`"
        )
    frames = {n: load_index(folder / f"{n}.csv") for n in SPLITS if (folder / f"{n}.csv").is_file()}
    taxonomy = load_taxonomy(folder)
    for name, frame in frames.items():
        scheme = read_manifest(folder).get("scheme")
        whole = scheme != PARTS and (name != "test" or frame.empty or scheme != SOURCE)
        check_classes(frame, taxonomy, f"{folder / name}.csv", whole=whole)
    return frames


def check_classes(
    frame: pd.DataFrame, taxonomy: Taxonomy, where: str, *, whole: bool = True
) -> None:
    """DataError where `frame`, named `where`, has an unknown class, or none at all of one.

    whole: False: it may lack classes.
    """
    unknown = sorted(set(frame.dx) - set(taxonomy.codes))
    if unknown:
        raise DataError(
            f"{where} has the classes {', '.join(unknown)}; known are {', '.join(taxonomy.codes)}"
        )
    empty = absent_classes(frame, taxonomy)
    if empty and whole:
        raise DataError(
            f"{where} has no image of class {', '.join(empty)}; every class of {TAXONOMY_FILE} "
            "needs images"
        )


def absent_classes(frame: pd.DataFrame, taxonomy: Taxonomy) -> list[str]:
    """The classes of which `frame` has no image, sorted."""
    return sorted(set(taxonomy.codes) - set(frame.dx))


def read_manifest(folder: Path) -> SplitManifest:
    """`split.json` of a split folder; empty where there is none."""
    path = folder / SPLIT_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DataError(f"{path} is damaged: it must be a JSON object as `split` writes it")
    return cast(SplitManifest, found)


def leak(leaked: Sequence[str], folder: Path) -> str:
    """The sentence for lesions in two splits."""
    return (
        f"{len(leaked)} lesions of {folder} are in two splits, the first is {leaked[0]}; "
        "scores on such a split are too good"
    )


def load_taxonomy(folder: Path) -> Taxonomy:
    """The classes of a data or split folder: its `taxonomy.json`, HAM10000 where there is none.

    Raises DataError where the file does not describe classes.
    """
    path = folder / TAXONOMY_FILE
    if not path.is_file():
        return HAM10000
    try:
        return Taxonomy.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is not a list of classes: it needs codes, names and malignant ({error})"
        ) from None


def leaked_lesions(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Ids of the lesions that stand in more than one split, sorted."""
    where: dict[str, set[str]] = {}
    for name, frame in frames.items():
        for lesion in frame.lesion_id.unique():
            where.setdefault(str(lesion), set()).add(name)
    return sorted(lesion for lesion, names in where.items() if len(names) > 1)


def counts(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Images per class (rows) and split (columns), with totals and lesions."""
    table = pd.DataFrame({n: f.dx.value_counts() for n, f in frames.items()}).fillna(0).astype(int)
    table = table.sort_index()
    table.loc["images"] = table.sum()
    table.loc["lesions"] = [frames[n].lesion_id.nunique() for n in table.columns]
    return table
