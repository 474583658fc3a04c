"""The table of images: read from a metadata file or made from folders; its classes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.data.errors import DataError

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
DETAILS = ("age", "sex", "localization", "dx_type")
# Where each image is from; newer copies of HAM10000's metadata say it, older ones do not.
SOURCE_COLUMN = "dataset"


def read_metadata(path: Path) -> pd.DataFrame:
    """The metadata file, checked: a class and an id for every row, no id twice.

    `image_id` and `dx` must be there. Where `lesion_id` is missing, each image counts as a lesion
    of its own; other columns of the index that are missing are empty, but for `SOURCE_COLUMN`,
    which is not added.
    """
    text = {"image_id": str, "lesion_id": str, "dx": str, SOURCE_COLUMN: str}
    try:
        # Dataverse gives the file with commas or with tabs.
        with path.open(encoding="utf-8-sig") as file:
            separator = "\t" if "\t" in file.readline() else ","
        frame = pd.read_csv(path, dtype=text, sep=separator)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} is not a table of comma-separated values ({error})") from None
    lacking = sorted({"image_id", "dx"} - set(frame.columns))
    if lacking:
        raise DataError(f"{path} lacks the columns {', '.join(lacking)}")
    for column in ("image_id", "dx"):
        bare = frame.index[frame[column].isna()]
        if len(bare):
            raise DataError(
                f"{len(bare)} rows of {path} have no {column}, the first is line {bare[0] + 2}"
            )
    twice = frame.image_id[frame.image_id.duplicated()]
    if len(twice):
        raise DataError(f"{path} names {len(twice)} images twice, the first is {twice.iloc[0]}")
    if "lesion_id" not in frame:
        frame["lesion_id"] = frame.image_id
    frame["lesion_id"] = frame.lesion_id.fillna(frame.image_id)
    return frame.assign(**{c: "" for c in DETAILS if c not in frame})


def classes_of(
    codes: Iterable[str],
    where: Path,
    malignant: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Taxonomy:
    """The taxonomy of data with the classes `codes`.

    All seven of HAM10000 make HAM10000; some of them, those with their names and their malignant
    ones. For any other class the caller must say which are malignant, if only an empty list;
    `names` gives full names, a code is its own where that is silent.
    Raises DataError for classes of which that is not said, for one class alone, and for a
    malignant or named class that is not there.
    """
    found = tuple(sorted(set(codes)))
    unknown = [code for code in found if code not in HAM10000.codes]
    if unknown and malignant is None:
        raise DataError(
            f"{where} has the classes {', '.join(unknown)}; known are "
            f"{', '.join(HAM10000.codes)}; for classes of your own say which are malignant, as in "
            "--malignant a,b, or --malignant none"
        )
    if len(found) < 2:
        raise DataError(f"{where} has the class {found[0]} alone; two or more are needed")
    for given, what in ((malignant or (), "malignant"), (names or {}, "names")):
        unknown = sorted(set(given) - set(found))
        if unknown:
            raise DataError(
                f"{what} holds {', '.join(unknown)}, which the data do not have; "
                f"their classes are {', '.join(found)}"
            )
    known = dict(zip(HAM10000.codes, HAM10000.names, strict=True)) | dict(names or {})
    return Taxonomy(
        found,
        tuple(known.get(code, code) for code in found),
        HAM10000.malignant & set(found) if malignant is None else frozenset(malignant),
    )


def taxonomy_text(taxonomy: Taxonomy) -> str:
    """What stands in a `taxonomy.json`."""
    return json.dumps(taxonomy.to_dict(), indent=2, ensure_ascii=False) + "\n"
