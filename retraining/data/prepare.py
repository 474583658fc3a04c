"""`prepare`: from a folder of pictures, in any layout in use, to an index of checked images."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

import quality
from models.registry.taxonomy import Taxonomy
from quality.output import cell, write_text
from retraining.data.archives import extract
from retraining.data.errors import DataError
from retraining.data.formats import MASK_ENDING, ImageFile, Layout, find_layout
from retraining.data.metadata import (
    DETAILS,
    INDEX_COLUMNS,
    RENDERING_COLUMN,
    TAXONOMY_FILE,
    classes_of,
    read_metadata,
    taxonomy_text,
)
from retraining.data.problems import GRAVE, Problems
from retraining.progress import ProgressCallback

INDEX_FILE = "index.csv"
PROBLEMS_FILE = "problems.csv"


@dataclass(frozen=True)
class _Image:
    """A checked picture: its id, the SHA-256 of its bytes, why it cannot be decoded."""

    image_id: str
    picture: ImageFile
    sha256: str
    error: str


def prepare(
    source: Path,
    out: Path,
    progress: ProgressCallback | None = None,
    *,
    malignant: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
    metadata_files: Sequence[Path] = (),
    rendering: str = "",
    skip: bool = False,
    report: Callable[[str], None] = lambda sentence: None,
) -> pd.DataFrame:
    """Find the pictures below `source`, check every one and every id, and write the index.

    source: a folder in one of the layouts of `retraining.data.formats`. Archives are extracted to
        `images/` and `masks/` below `out`; pictures on disk stay where they are.
    out: gets `index.csv` (columns `INDEX_COLUMNS`, then `split` where folders name train, val or
        test and every other column of the metadata; paths relative to `out`; an empty mask where
        there is none), `taxonomy.json`, and `problems.csv` with all that was found wrong.
    malignant, names: see `classes_of`.
    metadata_files: tables with more of the images, see `read_metadata`; the first has the classes
        where `source` has no metadata of its own.
    rendering: what the column `rendering` says of these pictures; empty: there is none.
    skip: leave out rows without an image and images that cannot be decoded, instead of failing.
    report: gets a sentence for each kind of problem.
    Raises DataError where `source` does not hold what is needed, or is damaged.
    """
    layout = find_layout(source, out, *metadata_files[:1])
    problems = Problems()
    for path in layout.ignored:
        problems.add("ignored", path.relative_to(source))
    for path, why in layout.closed.items():
        problems.add("closed", path, why)
    metadata = None
    if layout.metadata:
        others = [path for path in metadata_files if path != layout.metadata]
        own_classes = malignant is not None
        metadata = read_metadata(layout.metadata, *others, own_classes=own_classes)
        texts = [name for name in metadata.columns if name != "image_id"]
        metadata = metadata.assign(**{name: metadata[name].map(_defused) for name in texts})
    layout = replace(layout, pictures=_with_fit_names(layout.pictures, problems))
    if not skip:  # before classes are missed that lie in what cannot be entered
        _refuse(problems, out)
    named = [p.dx for p in layout.pictures] if metadata is None else list(metadata.dx)
    taxonomy = classes_of(named, layout.metadata or source, malignant, names)
    pictures, masks = _unpack(layout, out, progress)
    pictures = _with_fit_names(pictures, problems)
    if metadata is not None:
        pictures = _with_row(pictures, metadata, problems)
    images = _check(pictures, progress)
    images = _own_ids(images, source, problems) if metadata is None else _once(images, problems)
    for image in images:
        if image.error:
            problems.add("unreadable", image.picture.path, image.error)
    images = [image for image in images if not image.error]
    if metadata is None:
        report(f"{source} has no metadata: pictures with the same bytes count as one lesion")
        index = _from_folders(images)
    else:
        index = _match(metadata, images, {str(p) for _, p, _ in problems.rows}, problems)
    _same_bytes(index, problems)
    problems.write(out / PROBLEMS_FILE)
    for sentence in problems.sentences().values():
        report(sentence)
    if not skip:
        _refuse(problems, out)
    left = set(index.dx)
    if left != set(taxonomy.codes):
        lost = f"no image of class {', '.join(sorted(set(taxonomy.codes) - left))} is left"
        if not skip or len(left) < 2:
            raise DataError(f"{lost}; every class needs images")
        report(lost)
        taxonomy = Taxonomy(
            tuple(code for code in taxonomy.codes if code in left),
            tuple(
                name
                for code, name in zip(taxonomy.codes, taxonomy.names, strict=True)
                if code in left
            ),
            taxonomy.malignant & left,
        )
    where = {m.stem.removesuffix(MASK_ENDING): _relative(m, out) for m in masks}
    index["path"] = [_relative(Path(p), out) for p in index.path]
    index["mask"] = [where.get(i, "") for i in index.image_id]
    columns = [*INDEX_COLUMNS, *(["split"] if (index["split"] != "").any() else [])]
    if rendering:
        index[RENDERING_COLUMN] = rendering
    # Every column of the metadata is kept, after those that we know.
    columns += [c for c in index.columns if c not in (*columns, "split", "sha256")]
    index = index.sort_values("image_id", ignore_index=True)[columns]
    write_text(out / TAXONOMY_FILE, taxonomy_text(taxonomy))
    write_text(out / INDEX_FILE, index.to_csv(index=False))
    return index


def _refuse(problems: Problems, out: Path) -> None:
    """DataError for the first kind of problem that must be settled first."""
    for kind, sentence in problems.sentences().items():
        if kind in GRAVE:
            problems.write(out / PROBLEMS_FILE)
            raise DataError(
                f"{sentence}; all are in {out / PROBLEMS_FILE}, and --skip leaves them out"
            )


def _unpack(
    layout: Layout, out: Path, progress: ProgressCallback | None
) -> tuple[list[ImageFile], list[Path]]:
    """All pictures and all masks, those of the archives extracted."""
    pictures, masks = list(layout.pictures), list(layout.masks)
    for archive in layout.image_archives:
        pictures += [ImageFile(p) for p in extract(archive, out / "images", progress).values()]
    for archive in layout.mask_archives:
        masks += extract(archive, out / "masks", progress).values()
    return pictures, masks


def _defused(value: object) -> object:
    return cell(value) if isinstance(value, str) else value


def _with_fit_names(pictures: Sequence[ImageFile], problems: Problems) -> list[ImageFile]:
    """The pictures whose id, class and path can stand in a table that others read.

    An id in a table must be that of the file, so no escape is put in its place.
    """
    kept = []
    for picture in pictures:
        if cell(str(picture.path)) != str(picture.path):
            problems.add("name", picture.path, "It is not UTF-8.")
        elif any(cell(word) != word for word in (picture.path.stem, picture.dx)):
            problems.add("name", picture.path, "It begins as a formula of a spreadsheet does.")
        else:
            kept.append(picture)
    return kept


def _with_row(
    pictures: Sequence[ImageFile], metadata: pd.DataFrame, problems: Problems
) -> list[ImageFile]:
    """The pictures that the metadata names; DataError where a folder names another class."""
    classes = dict(zip(metadata.image_id, metadata.dx, strict=True))
    known = set(classes.values())
    kept = []
    for picture in pictures:
        dx = classes.get(picture.path.stem)
        if dx is None:
            problems.add("image without row", picture.path)
            continue
        if picture.dx in known and picture.dx != dx:
            raise DataError(
                f"{picture.path} is in the folder of class {picture.dx}, but of class {dx} in the "
                "metadata; they must agree"
            )
        kept.append(picture)
    return kept


def _check(pictures: Sequence[ImageFile], progress: ProgressCallback | None) -> list[_Image]:
    """Read and decode every picture; one per thread is in memory at a time."""

    def check(picture: ImageFile) -> _Image:
        data, error = b"", ""
        try:
            data = quality.read_bytes(picture.path)
            quality.decode(data)
        except (quality.ImageError, OSError) as reason:
            error = quality.why_unread(reason)
        return _Image(picture.path.stem, picture, hashlib.sha256(data).hexdigest(), error)

    images = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, image in enumerate(pool.map(check, pictures), 1):
            images.append(image)
            if progress:
                progress(done, len(pictures))
    return images


def _once(images: Sequence[_Image], problems: Problems) -> list[_Image]:
    """Each id once; DataError where two files of one id differ."""
    kept: dict[str, _Image] = {}
    for image in images:
        first = kept.setdefault(image.image_id, image)
        if first is image:
            continue
        if first.sha256 != image.sha256:
            raise DataError(
                f"the id {image.image_id} stands for two different pictures: "
                f"{first.picture.path} and {image.picture.path}"
            )
        problems.add("duplicate", image.picture.path, first.picture.path)
    return list(kept.values())


def _own_ids(images: Sequence[_Image], source: Path, problems: Problems) -> list[_Image]:
    """Ids for pictures in folders: file names, or whole paths where two files share a name."""
    again = {stem for stem, count in Counter(i.image_id for i in images).items() if count > 1}
    renamed = [
        replace(
            image,
            image_id="_".join(image.picture.path.relative_to(source).with_suffix("").parts),
        )
        if image.image_id in again
        else image
        for image in images
    ]
    return _once(renamed, problems)


def _from_folders(images: Sequence[_Image]) -> pd.DataFrame:
    """The index of pictures in folders of classes; the same bytes are the same lesion."""
    lesions: dict[str, str] = {}
    rows = [
        {
            "image_id": image.image_id,
            "dx": image.picture.dx,
            "lesion_id": lesions.setdefault(image.sha256, image.image_id),
            "path": str(image.picture.path),
            "split": image.picture.split,
            "sha256": image.sha256,
        }
        for image in images
    ]
    columns = ["image_id", "dx", "lesion_id", "path", "split", "sha256"]
    return pd.DataFrame(rows, columns=columns).assign(**dict.fromkeys(DETAILS, ""))


def _match(
    metadata: pd.DataFrame, images: Sequence[_Image], broken: set[str], problems: Problems
) -> pd.DataFrame:
    """The rows of the metadata that have an image which can be decoded."""
    found = {image.image_id: image for image in images}
    unreadable = {Path(path).stem for path in broken}
    for image_id in sorted(set(metadata.image_id) - set(found) - unreadable):
        problems.add("row without image", image_id)
    frame = metadata[metadata.image_id.isin(list(found))]
    matched = [found[i] for i in frame.image_id]
    return frame.assign(
        path=[str(i.picture.path) for i in matched],
        split=[i.picture.split for i in matched],
        sha256=[i.sha256 for i in matched],
    )


def _same_bytes(index: pd.DataFrame, problems: Problems) -> None:
    """Note the pictures that stand under two ids."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for sha256, image_id, dx in zip(index.sha256, index.image_id, index.dx, strict=True):
        groups[sha256].append((image_id, dx))
    for (first, dx), *others in groups.values():
        for image_id, other in others:
            problems.add("same picture" if other == dx else "contradiction", image_id, first)


def _relative(path: Path, out: Path) -> str:
    """`path` as seen from `out`, with forward slashes."""
    return Path(os.path.relpath(path.resolve(), out.resolve())).as_posix()
