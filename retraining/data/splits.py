"""Splits on disk: what stands in a split folder, and reading it with its checks."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from models.registry.taxonomy import HAM10000, Taxonomy
from quality.output import write_text
from retraining.data.index import TAXONOMY_FILE, DataError, load_index
from retraining.data.metadata import taxonomy_text
from retraining.data.split_schemes import PARTS as PARTS
from retraining.data.split_schemes import grouped_split as grouped_split

SPLIT_FILE = "split.json"
PER_CLASS = "per-class"
COMMONEST = 5
SOURCE = "source"

logger = logging.getLogger(__name__)


def split_hash(parts: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 over every part's image ids and classes: equal splits have equal hashes."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        rows = sorted(zip(parts[name].image_id, parts[name].dx, strict=True))
        digest.update(f"{name}\n{rows}\n".encode())
    return digest.hexdigest()


def write_split(
    parts: Mapping[str, pd.DataFrame],
    data: Path,
    out: Path,
    scheme: str = "grouped",
    **origin: Any,
) -> dict[str, Any]:
    """Write `<part>.csv` for every part, with paths that hold from anywhere, and its passport.

    The passport, `split.json`, is returned: the scheme, whatever `origin` tells of how the split
    was made (fractions, seed, fold, source), and `described`. The classes go into `taxonomy.json`.
    """
    root = data.resolve()
    for name in PARTS:
        if name not in parts:
            (out / f"{name}.csv").unlink(missing_ok=True)
    for name, frame in parts.items():
        places = {
            column: [str(root / p) if p else "" for p in frame[column]]
            for column in ("path", "mask")
            if column in frame
        }
        write_text(out / f"{name}.csv", frame.assign(**places).to_csv(index=False))
    write_text(out / TAXONOMY_FILE, taxonomy_text(load_taxonomy(data)))
    passport = {"scheme": scheme, **origin, **described(parts, root)}
    write_text(out / SPLIT_FILE, json.dumps(passport, indent=2) + "\n")
    return passport


def described(parts: Mapping[str, pd.DataFrame], root: Path | None = None) -> dict[str, Any]:
    """What a run and a card say of a split.

    `sha256`, `counts` of images per part and class, `lesions` per part, how many are in two
    (`lesions_parted`), and how many images have which of the commonest `sizes` in pixels, as
    `600x450`. Paths are relative to `root`; a picture that cannot be opened has no size.
    """
    sizes = Counter(
        size for f in parts.values() for path in f.path if (size := _size((root or Path()) / path))
    )
    return {
        "sha256": split_hash(parts),
        "counts": {n: f.dx.value_counts().sort_index().to_dict() for n, f in parts.items()},
        "lesions": {n: int(f.lesion_id.nunique()) for n, f in parts.items()},
        "lesions_parted": len(parted_lesions(parts)),
        "sizes": dict(sizes.most_common(COMMONEST)),
    }


def _size(path: Path) -> str | None:
    try:
        with Image.open(path) as picture:  # the header alone
            return "x".join(map(str, picture.size))
    except OSError:
        return None


def load_split(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the parts that are there.

    Raises DataError where train.csv is missing, where a part has a class that is not one of
    `taxonomy.json` or lacks one that is, and where a lesion is in two parts. The last is only a
    warning where `split.json` says that the split was made per class, which parts lesions, and so
    is a class that test lacks where it says that test is a source, which need not have all.
    """
    parts = read_parts(folder)
    absent = absent_classes(parts["test"], load_taxonomy(folder)) if "test" in parts else []
    if absent:
        logger.warning(
            "%s has no image of class %s; scores on it are of the classes that it has",
            folder / "test.csv",
            ", ".join(absent),
        )
    parted = parted_lesions(parts)
    if parted and read_passport(folder).get("scheme") == PER_CLASS:
        logger.warning(leak(parted, folder))
    elif parted:
        raise DataError(leak(parted, folder))
    return parts


def read_parts(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the parts that are there, parted lesions or not; DataError as `load_split`."""
    if not (folder / "train.csv").is_file():
        raise DataError(
            f"{folder} has no train.csv; make a split with `python -m retraining split`"
        )
    parts = {n: load_index(folder / f"{n}.csv") for n in PARTS if (folder / f"{n}.csv").is_file()}
    taxonomy = load_taxonomy(folder)
    for name, frame in parts.items():
        whole = name != "test" or frame.empty or read_passport(folder).get("scheme") != SOURCE
        check_classes(frame, taxonomy, f"{folder / name}.csv", whole=whole)
    return parts


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


def read_passport(folder: Path) -> dict[str, Any]:
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
    return found


def leak(parted: Sequence[str], folder: Path) -> str:
    """The sentence for lesions in two parts."""
    return (
        f"{len(parted)} lesions of {folder} are in two parts, the first is {parted[0]}; "
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


def parted_lesions(parts: Mapping[str, pd.DataFrame]) -> list[str]:
    """Ids of the lesions that stand in more than one part, sorted."""
    where: dict[str, set[str]] = {}
    for name, frame in parts.items():
        for lesion in frame.lesion_id.unique():
            where.setdefault(str(lesion), set()).add(name)
    return sorted(lesion for lesion, names in where.items() if len(names) > 1)


def counts(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Images per class (rows) and part (columns), with totals and lesions."""
    table = pd.DataFrame({n: f.dx.value_counts() for n, f in parts.items()}).fillna(0).astype(int)
    table = table.sort_index()
    table.loc["images"] = table.sum()
    table.loc["lesions"] = [parts[n].lesion_id.nunique() for n in table.columns]
    return table
