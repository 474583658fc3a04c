"""An index of a prepared data set: its pictures as vectors, with what is known of each.

One file, `INDEX_FILE`, that `python -m Dashboard index` writes and the setting `INDEX` names. It
holds no pictures, unless small ones were asked for, and is never part of a release: the pictures
are the operator's, and are read from where the data set lies when they are shown.
"""

import contextlib
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

import quality
from Dashboard.assess.service import Service
from Dashboard.proven.journal import Journal, Key, Made, key_of
from models.inference.vectors import SIZE
from models.registry.taxonomy import HAM10000, Taxonomy
from quality.names import printable
from quality.output import replacing

TABLE_FILE, TAXONOMY_FILE, INDEX_FILE = "index.csv", "taxonomy.json", "similar-cases.npz"
FORMAT = 1
COLUMNS = ("image_id", "path", "dx", "lesion_id")
# HAM10000's words for how a diagnosis was proven, and ours.
PROVEN = {
    "histo": "histology",
    "histopathology": "histology",
    "follow_up": "follow-up",
    "consensus": "consensus of experts",
    "confocal": "confocal microscopy",
}


class IndexUnusable(ValueError):  # noqa: N818 (named like ModelNotReady)
    """A data set or an index that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Index:
    """N pictures whose diagnoses are known.

    model, version: whose features the vectors are made of.
    data: the folder that `paths` begin at.
    vectors: (N, SIZE) float16, each of length 1.
    ids, lesions, codes, proven, paths: (N,) texts; `proven`: how, empty where that is not known.
    names, malignant: of the codes.
    thumbnails: JPEG files, N or none.
    """

    model: str
    version: str
    data: Path
    vectors: NDArray[np.float16]
    ids: NDArray[np.str_]
    lesions: NDArray[np.str_]
    codes: NDArray[np.str_]
    proven: NDArray[np.str_]
    paths: NDArray[np.str_]
    names: Mapping[str, str]
    malignant: frozenset[str]
    thumbnails: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def count(self) -> int:
        """How many lesions there are."""
        return len(np.unique(self.lesions))

    def picture(self, row: int) -> bytes | None:
        """A small picture, a JPEG file, or the whole file as it lies there; None: neither."""
        if self.thumbnails:
            return self.thumbnails[row]
        try:
            return quality.read_bytes(self.data / str(self.paths[row]))
        except (OSError, quality.ImageError):
            return None


def read_table(data: Path) -> tuple[list[dict[str, str]], Taxonomy, Path]:
    """The rows of a data set whose class is known, its classes, and the folder of its paths.

    data: a folder with `index.csv` as `retraining prepare` makes it, or such a table.

    Raises:
        IndexUnusable.
    """
    table = data / TABLE_FILE if data.is_dir() else data
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "it is no table"
        raise IndexUnusable(
            f"{printable(table)} cannot be read: {why}; DATA must be a folder that "
            "`python -m retraining prepare` made, or a table such as its index.csv"
        ) from None
    if lacking:
        raise IndexUnusable(f"{printable(table)} lacks the columns {', '.join(lacking)}")
    rows = [row for row in rows if row["dx"]]
    if not rows:
        raise IndexUnusable(f"{printable(table)} names no picture whose class (dx) is known")
    return rows, _taxonomy(table.parent / TAXONOMY_FILE, {row["dx"] for row in rows}), table.parent


def make(
    service: Service,
    model: str,
    data: Path,
    *,
    thumbnail: Callable[[NDArray[np.uint8]], bytes] | None = None,
    journal: Path | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Index, list[str]]:
    """An index of a data set, and a sentence for each picture that could not be read.

    model: a checkpoint that hands out features.
    thumbnail: makes a small picture to keep in the index; None: none is kept.
    journal: a file that remembers what is done, for the next call to go on from; None: none does.

    progress: told how many are done of how many, after each that was not done before.

    Raises:
        IndexUnusable, ModelNotReady.
        OSError: the journal cannot be written.
    """
    rows, taxonomy, folder = read_table(data)
    predictor = service.predictor(model)

    def one(row: Mapping[str, str]) -> tuple[Key, Made] | str:
        path = folder / row["path"]
        try:
            key = key_of(folder, row["path"])
            if known is not None and (made := known.find(key)) is not None:
                return key, made
            image = quality.read(path, service.config.limits)
        except (OSError, quality.ImageError) as error:
            return f"{printable(path)}: {quality.why_unread(error)}"
        (prediction,) = predictor.predict([image])
        if prediction.vector is None:
            raise IndexUnusable(f"the model {model!r} hands out no vector to compare pictures by")
        return key, (prediction.vector, thumbnail(image) if thumbnail else b"")

    about = {
        "format": FORMAT,
        "model": model,
        "version": predictor.card.version,
        "data": str(folder.resolve()),
        "thumbnails": thumbnail is not None,
    }
    found, failed = [], []
    with contextlib.ExitStack() as stack:
        known = stack.enter_context(Journal(journal, about)) if journal else None
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        stack.callback(pool.shutdown, cancel_futures=True)
        for done, (row, made) in enumerate(zip(rows, pool.map(one, rows), strict=True), 1):
            if isinstance(made, str):
                failed.append(made)
            else:
                found.append((row, *made[1]))
                if known is not None:
                    if known.find(made[0]) is not None:
                        continue
                    known.note(*made)
            progress(done, len(rows))
    if not found:
        raise IndexUnusable(f"no picture of {printable(data)} can be read; the first: {failed[0]}")

    def column(name: str) -> NDArray[np.str_]:
        return np.array([row.get(name) or "" for row, *_ in found], np.str_)

    proven = [PROVEN.get(text.lower(), text) for text in column("dx_type")]
    index = Index(
        model=model,
        version=predictor.card.version,
        data=folder.resolve(),
        vectors=np.stack([vector for _, vector, _ in found]),
        ids=column("image_id"),
        lesions=np.where(column("lesion_id") == "", column("image_id"), column("lesion_id")),
        codes=column("dx"),
        proven=np.array(proven, np.str_),
        paths=column("path"),
        names=dict(zip(taxonomy.codes, taxonomy.names, strict=True)),
        malignant=taxonomy.malignant,
        thumbnails=[small for *_, small in found] if thumbnail else (),
    )
    return index, failed


def save(index: Index, path: Path) -> None:
    """Write an index, whole or not at all."""
    about = {
        "format": FORMAT,
        "model": index.model,
        "version": index.version,
        "data": str(index.data),
        "names": dict(index.names),
        "malignant": sorted(index.malignant),
    }
    columns = {name: getattr(index, name) for name in _COLUMNS}
    small = np.frombuffer(b"".join(index.thumbnails), np.uint8)
    ends = np.cumsum([len(one) for one in index.thumbnails], dtype=np.int64)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), small=small, ends=ends, **columns)


def load(path: Path) -> Index:
    """Read an index; `path` may be the folder that it lies in.

    Raises:
        IndexUnusable.
    """
    path = path / INDEX_FILE if path.is_dir() else path
    try:
        with np.load(path, allow_pickle=False) as file:
            parts: dict[str, Any] = {name: file[name] for name in file.files}
        about = json.loads(str(parts["about"]))
        ends = [0, *parts["ends"].tolist()]
        small = parts["small"].tobytes()
        if about["format"] != FORMAT or parts["vectors"].shape != (len(parts["ids"]), SIZE):
            raise ValueError
        return Index(
            model=about["model"],
            version=about["version"],
            data=Path(about["data"]),
            names=about["names"],
            malignant=frozenset(about["malignant"]),
            thumbnails=[small[start:end] for start, end in pairwise(ends)],
            **{name: parts[name] for name in _COLUMNS},
        )
    except OSError as error:
        raise IndexUnusable(f"INDEX: {printable(path)} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, BadZipFile):
        raise IndexUnusable(
            f"INDEX: {printable(path)} is no index of this version; `python -m Dashboard index` "
            "makes one"
        ) from None


_COLUMNS = ("vectors", "ids", "lesions", "codes", "proven", "paths")


def _taxonomy(path: Path, codes: set[str]) -> Taxonomy:
    """The classes of a data set: as it states them, or HAM10000's."""
    taxonomy = HAM10000
    if path.is_file():
        try:
            taxonomy = Taxonomy.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            raise IndexUnusable(f"{printable(path)} does not state the classes") from None
    unknown = sorted(codes - set(taxonomy.codes))
    if unknown:
        raise IndexUnusable(
            f"the table has the classes {', '.join(unknown)}, which {TAXONOMY_FILE} beside it "
            "does not state"
        )
    return taxonomy
