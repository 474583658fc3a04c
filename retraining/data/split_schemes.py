"""Ways to split an index into train, val and test."""

import math
import re
import warnings
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from retraining.data.errors import DataError
from retraining.data.metadata import SOURCE_COLUMN

SPLITS = ("train", "val", "test")
GROUPED_FRACTIONS = (0.64, 0.16, 0.20)
PER_CLASS_FRACTIONS = (0.8, 0.2)
# Of train and val, in what a source leaves.
REST_FRACTIONS = (0.8, 0.2)
# The column of an index with the split that a picture's folder gave it.
GIVEN_COLUMN = "split"

Splits = dict[str, pd.DataFrame]


def grouped_split(
    index: pd.DataFrame, fractions: Sequence[float] = GROUPED_FRACTIONS, seed: int = 42
) -> Splits:
    """Split `index` by lesion, every class in about the same share in each split.

    fractions: of train, val and test, or of train and val; they sum to 1. A split is one fold or
        several of scikit-learn's StratifiedGroupKFold over what the splits after it left: 0.64,
        0.16, 0.20 is 1/5 of all, then 1/5 of the rest. Shares are met to a fortieth of the rest.
    Raises ValueError for other fractions and DataError where a split would lack a class.
    """
    _check_fractions(fractions)
    frames: Splits = {}
    rest, left = index, 1.0
    for name, fraction in reversed(list(zip(SPLITS, fractions, strict=False))[1:]):
        if fraction / left > 0.5 + 1e-6:
            raise ValueError(
                f"the share of {name} may be at most half of what remains, got {fractions}"
            )
        share = Fraction(fraction / left).limit_denominator(40) or Fraction(1, 40)
        _check_lesions(rest, share.denominator)
        folds = _folds(rest, share.denominator, seed)[: share.numerator]
        take = np.sort(np.concatenate(folds))
        frames[name] = rest.iloc[take].reset_index(drop=True)
        rest, left = rest.drop(rest.index[take]), left - fraction
    frames["train"] = rest.reset_index(drop=True)
    return _complete({name: frames[name] for name in SPLITS if name in frames}, index)


def per_class_split(
    index: pd.DataFrame, fractions: Sequence[float] = PER_CLASS_FRACTIONS, seed: int = 42
) -> Splits:
    """Split the images of every class by chance, without regard to lesions: this leaks.

    Older tables used it, 80/20, and it is here to be laid beside them. Of n images of a class,
    val and test get their fraction of n rounded up, train the rest.
    Raises ValueError for other fractions and DataError where a split would lack a class.
    """
    _check_fractions(fractions)
    rng = np.random.default_rng(seed)
    taken: dict[str, list[np.intp]] = {name: [] for name in SPLITS[: len(fractions)]}
    for code in sorted(index.dx.unique()):
        rows = rng.permutation(np.flatnonzero((index.dx == code).to_numpy()))
        for name, fraction in reversed(list(zip(SPLITS, fractions, strict=False))[1:]):
            # 0.2 * 6705 is 1341.0000000000002 in floating point, and means 1341.
            size = math.ceil(round(fraction * (index.dx == code).sum(), 6))
            taken[name].extend(rows[:size])
            rows = rows[size:]
        taken["train"].extend(rows)
    frames = {n: index.iloc[np.sort(rows)].reset_index(drop=True) for n, rows in taken.items()}
    return _complete(frames, index)


def kfold_splits(index: pd.DataFrame, folds: int = 5, seed: int = 42) -> list[Splits]:
    """Cross-validation by lesion: every lesion is in `test` once, and in `val` once.

    Split i has fold i as test, the next one as val and the others as train.
    Raises ValueError for fewer than 3 folds, DataError where a split would lack a class.
    """
    if folds < 3:
        raise ValueError(f"folds must be 3 or more (train, val and test), got {folds}")
    _check_lesions(index, folds)
    pieces = _folds(index, folds, seed)
    found = []
    for i in range(folds):
        val, test = pieces[(i + 1) % folds], pieces[i]
        train = np.setdiff1d(np.arange(len(index)), np.concatenate([val, test]))
        rows = {"train": train, "val": val, "test": test}
        frames = {n: index.iloc[r].reset_index(drop=True) for n, r in rows.items()}
        found.append(_complete(frames, index))
    return found


def source_splits(index: pd.DataFrame, seed: int = 42) -> dict[str, Splits]:
    """A split for every source (column `dataset`) by its name: that source is left out, as test.

    test is every image of the source whose lesion has images of no other. A lesion with images of
    two sources or more is never leaked and never in test: all its images are in train or in val
    of every split, those of the source that is left out among them. val is a fifth of what test
    leaves, by lesion as in `grouped_split`, train the remainder.
    A source need not have every class, so test may lack some; train and val may not.
    Raises DataError where the index names no source, or only one, or not that of every image,
    where a name cannot be that of a folder, where no lesion is of a source alone, and where train
    or val would lack a class.
    """
    source = _sources(index)
    alone = source.groupby(index.lesion_id).transform("nunique") == 1
    found: dict[str, Splits] = {}
    for name in sorted(source.unique()):
        left_out = (source == name) & alone
        if not left_out.any():
            raise DataError(
                f"test would have no image of source {name}: each of its lesions has images of "
                "another source too"
            )
        try:
            frames = grouped_split(index[~left_out], REST_FRACTIONS, seed)
            _complete(frames, index)
        except DataError as error:
            raise DataError(f"with source {name} left out: {error}") from None
        found[name] = {**frames, "test": index[left_out].reset_index(drop=True)}
    return found


def given_split(index: pd.DataFrame) -> Splits:
    """The splits that the folders of the data named (column `split`).

    Raises DataError where the index names none, or not train and one more.
    """
    named = set(index[GIVEN_COLUMN]) if GIVEN_COLUMN in index else set()
    if not {"train"} < named <= set(SPLITS):
        raise DataError(
            "the data give no split of their own: scheme given needs pictures in folders "
            f"train/CLASS and val/CLASS or test/CLASS, all of them; got {sorted(named) or 'none'}"
        )
    return {n: index[index[GIVEN_COLUMN] == n].reset_index(drop=True) for n in SPLITS if n in named}


def like_split(index: pd.DataFrame, other: Splits) -> Splits:
    """`index` split as `other` is: a lesion is where it is there, and so is an image.

    For another rendering of the same images. Raises DataError where `other` has not all of them.
    """
    place = {lesion: name for name, frame in other.items() for lesion in frame.lesion_id}
    place |= {image: name for name, frame in other.items() for image in frame.image_id}
    found = index.image_id.map(place).fillna(index.lesion_id.map(place))
    if found.isna().any():
        raise DataError(
            f"{found.isna().sum()} images are not in the split that this is to be like, the first "
            f"is {index.image_id[found.isna()].iloc[0]}"
        )
    return {name: index[found == name].reset_index(drop=True) for name in other}


def combined(splits: Sequence[Splits]) -> Splits:
    """The train of several splits together, with val and test of the first.

    What is in val or test of any, by lesion or by image, is in no train: left out are its other
    renderings, too.
    """
    apart: set[str] = set()
    for frames in splits:
        for name in ("val", "test"):
            if name in frames:
                apart |= set(frames[name].image_id) | set(frames[name].lesion_id)
    train = pd.concat([frames["train"] for frames in splits], ignore_index=True)
    train = train.fillna("")  # a column that one of them lacks
    kept = ~(train.image_id.isin(apart) | train.lesion_id.isin(apart))
    return {**splits[0], "train": train[kept].reset_index(drop=True)}


def _sources(index: pd.DataFrame) -> pd.Series:
    """The source of every image; DataError where one is not named, or all are of one."""
    if SOURCE_COLUMN not in index:
        raise DataError(
            f"the metadata names no source: scheme source needs the column {SOURCE_COLUMN} in the "
            "metadata file, with the source of each image; run `python -m retraining prepare` on "
            "data that have it"
        )
    source = index[SOURCE_COLUMN].fillna("").astype(str)
    bare = index.image_id[source == ""]
    if len(bare):
        raise DataError(
            f"{len(bare)} images have no source (column {SOURCE_COLUMN}), the first is "
            f"{bare.iloc[0]}; scheme source needs that of every image"
        )
    for name in sorted(source.unique()):
        # The name becomes a folder, which must lie in that of the splits.
        if not re.fullmatch(r"\w([\w. -]*\w)?", name):
            raise DataError(
                f"the source {name!r} cannot name a folder: it may hold letters, digits, spaces, "
                "dots, - and _, with a letter, a digit or _ at both ends"
            )
    if source.nunique() == 1:
        raise DataError(f"all images are of source {source.iloc[0]}; two sources are needed")
    return source


def _check_fractions(fractions: Sequence[float]) -> None:
    if len(fractions) not in (2, 3) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise ValueError(
            f"fractions must be two or three shares above 0 that sum to 1, got {fractions}"
        )


def _check_lesions(index: pd.DataFrame, folds: int) -> None:
    lesions = index.lesion_id.nunique()
    if lesions < folds:
        raise DataError(
            f"too few lesions: {lesions}, for {folds} folds of equal size; take fewer folds, "
            "larger shares or more data"
        )


def _folds(index: pd.DataFrame, folds: int, seed: int) -> list[np.ndarray]:
    """Row numbers of each of `folds` folds that keep lesions whole."""
    folder = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # What it warns of, a class with fewer images than folds, `_complete` judges by result.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            pieces = list(folder.split(np.zeros(len(index)), index.dx, index.lesion_id))
        except ValueError:
            raise DataError(
                f"too few images: no class has {folds}, one for each fold; the largest has "
                f"{index.dx.value_counts().max()}"
            ) from None
    return [test for _, test in pieces]


def _complete(frames: Splits, index: pd.DataFrame) -> Splits:
    """`frames`, or DataError where one lacks a class of the index."""
    for name, frame in frames.items():
        lacking = sorted(set(index.dx) - set(frame.dx))
        if lacking:
            rows = index[index.dx == lacking[0]]
            raise DataError(
                f"{name} would have no image of class {lacking[0]}, which has {len(rows)} images "
                f"of {rows.lesion_id.nunique()} lesions in all; take fewer splits, another seed "
                "or more data"
            )
    return frames
