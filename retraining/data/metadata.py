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
# Which rendering of an image a picture is, where several are in use.
RENDERING_COLUMN = "rendering"
# What the ISIC archive and its challenges call our columns and classes.
COLUMN_ALIASES = {
    "image": "image_id",
    "isic_id": "image_id",
    "age_approx": "age",
    "anatom_site_general": "localization",
}
ONE_HOT = ("MEL", "NV", "BCC", "AK", "AKIEC", "BKL", "DF", "VASC", "SCC", "UNK")
CLASS_ALIASES = {"ak": "akiec", "scc": "akiec"}  # HAM10000's akiec holds both


def read_metadata(path: Path, *others: Path, own_classes: bool = False) -> pd.DataFrame:
    """The metadata file, checked: a class and an id for every row, no id twice.

    `image_id` and `dx` must be there, or the ISIC challenges' `image` and a column for each class
    with 1 in that of the image; rows of `UNK` are left out, `AK` and `SCC` are akiec. Where
    `lesion_id` is missing, each image counts as a lesion of its own; other columns of the index
    that are missing are empty.
    others: further tables, joined by the image's id: their columns are added, and fill gaps.
    own_classes: classes are as they are written.
    """
    frame = _read_table(path)
    for other in others:
        joined = _read_table(other).set_index("image_id")
        frame = frame.set_index("image_id").combine_first(joined.reindex(frame.image_id))
        frame = frame.reset_index()
    if "dx" not in frame:
        raise DataError(f"{path} lacks the columns dx")
    bare = frame.index[frame.dx.isna()]
    if len(bare):
        raise DataError(f"{len(bare)} rows of {path} have no dx, the first is line {bare[0] + 2}")
    if not own_classes:
        frame["dx"] = frame.dx.replace(CLASS_ALIASES)
    if "lesion_id" not in frame:
        frame["lesion_id"] = frame.image_id
    frame["lesion_id"] = frame.lesion_id.fillna(frame.image_id)
    return frame.assign(**{c: "" for c in DETAILS if c not in frame})


def _read_table(path: Path) -> pd.DataFrame:
    """A table with an `image_id` for every row, none twice; DataError where it is none."""
    text = {"image_id": str, "lesion_id": str, "dx": str, SOURCE_COLUMN: str}
    try:
        # Dataverse gives the file with commas or with tabs.
        with path.open(encoding="utf-8-sig") as file:
            separator = "\t" if "\t" in file.readline() else ","
        frame = pd.read_csv(path, dtype=text, sep=separator)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path} is not a table of comma-separated values ({error})") from None
    frame = frame.rename(columns={k: v for k, v in COLUMN_ALIASES.items() if v not in frame})
    one_hot = [column for column in ONE_HOT if column in frame]
    if "dx" not in frame and len(one_hot) > 1:
        marked = frame[one_hot].to_numpy(float)
        frame["dx"] = [one_hot[place].lower() for place in marked.argmax(1)]
        frame = frame.drop(columns=one_hot)[(marked.max(1) > 0) & (frame.dx != "unk")]
    if "image_id" not in frame:
        raise DataError(f"{path} lacks the columns image_id")
    bare = frame.index[frame.image_id.isna()]
    if len(bare):
        raise DataError(
            f"{len(bare)} rows of {path} have no image_id, the first is line {bare[0] + 2}"
        )
    twice = frame.image_id[frame.image_id.duplicated()]
    if len(twice):
        raise DataError(f"{path} names {len(twice)} images twice, the first is {twice.iloc[0]}")
    return frame.reset_index(drop=True)


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
