"""Splits of an index into train, val and test that never part a lesion."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from models.taxonomy import HAM10000, Taxonomy
from retraining.data import TAXONOMY_FILE, DataError, load_index, taxonomy_text
from retraining.files import write_text

PARTS = ("train", "val", "test")


def grouped_split(
    index: pd.DataFrame, fractions: Sequence[float] = (0.64, 0.16, 0.20), seed: int = 42
) -> dict[str, pd.DataFrame]:
    """Part `index` by lesion, every class in about the same share in each part.

    fractions: of train, val and test, or of train and val; they sum to 1. A part is one fold of
        scikit-learn's StratifiedGroupKFold over what the parts after it left, so its share is
        one over a whole number of that rest: 0.64, 0.16, 0.20 is 1/5 of all, then 1/5 of the
        rest.
    """
    if len(fractions) not in (2, 3) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(
            f"fractions must be two or three shares above 0 that sum to 1, got {fractions}"
        )
    parts: dict[str, pd.DataFrame] = {}
    rest, left = index, 1.0
    for name, fraction in reversed(list(zip(PARTS, fractions, strict=False))[1:]):
        folds = round(left / fraction)
        if left / fraction < 2 - 1e-6:
            raise ValueError(
                f"the share of {name} may be at most half of what remains, got {fractions}"
            )
        folder = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
        keep, take = next(folder.split(np.zeros(len(rest)), rest.dx, rest.lesion_id))
        parts[name] = rest.iloc[np.sort(take)].reset_index(drop=True)
        rest, left = rest.iloc[np.sort(keep)], left - fraction
    parts["train"] = rest.reset_index(drop=True)
    return {name: parts[name] for name in PARTS if name in parts}


def split_hash(parts: Mapping[str, pd.DataFrame]) -> str:
    """SHA-256 over every part's image ids and classes: equal splits have equal hashes."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        rows = sorted(zip(parts[name].image_id, parts[name].dx, strict=True))
        digest.update(f"{name}\n{rows}\n".encode())
    return digest.hexdigest()


def write_split(parts: Mapping[str, pd.DataFrame], data: Path, out: Path) -> None:
    """Write `<part>.csv` for every part, with paths that hold from anywhere."""
    root = data.resolve()
    for name, frame in parts.items():
        full = frame.assign(
            path=[str(root / p) for p in frame.path],
            **(
                {"mask": [str(root / m) if m else "" for m in frame["mask"]]}
                if "mask" in frame
                else {}
            ),
        )
        write_text(out / f"{name}.csv", full.to_csv(index=False))
    write_text(out / TAXONOMY_FILE, taxonomy_text(load_taxonomy(data)))


def load_split(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the parts that are there; DataError where train.csv is missing or a lesion is parted."""
    if not (folder / "train.csv").is_file():
        raise DataError(
            f"{folder} has no train.csv; make a split with `python -m retraining split`"
        )
    parts = {n: load_index(folder / f"{n}.csv") for n in PARTS if (folder / f"{n}.csv").is_file()}
    parted = parted_lesions(parts)
    if parted:
        raise DataError(
            f"{len(parted)} lesions of {folder} are in two parts, the first is {parted[0]}; "
            "scores on such a split are too good"
        )
    return parts


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
