"""What a folder of data holds: pictures, masks, metadata, in any of the layouts in use."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import quality
from quality.inputs import is_hidden
from retraining.data.errors import DataError

METADATA_FILE = "HAM10000_metadata.csv"
# As distributed; Dataverse also gives the file without an ending, or tab-separated.
METADATA_FILES = (METADATA_FILE, "HAM10000_metadata", "HAM10000_metadata.tab", "metadata.csv")
IMAGE_ARCHIVES = ("HAM10000_images_part_1.zip", "HAM10000_images_part_2.zip")
MASK_ARCHIVE = "HAM10000_segmentations_lesion_tschandl.zip"
MASK_ENDING = "_segmentation"
LAYOUTS = (
    f"the archives as distributed ({METADATA_FILE}, {', '.join(IMAGE_ARCHIVES)} and, if wanted, "
    f"{MASK_ARCHIVE}); one zip archive of images, with --metadata; "
    "HAM10000_images_part_1/ and _2/, or HAM10000_images_train/ and _test/, "
    f"with {METADATA_FILE}; CLASS/IMAGE; or train/CLASS/IMAGE with val/ or test/ likewise"
)

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_IMAGE_FOLDER = re.compile(r"ham10000_images_(part_?\d+|train|val|test)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageFile:
    """A picture on disk.

    dx: the class that its folder names, empty where none does; split: train, val or test if its
    folder names one, else empty.
    """

    path: Path
    dx: str = ""
    split: str = ""


@dataclass(frozen=True)
class Layout:
    """What was found below a folder.

    pictures and masks: on disk, sorted; image_archives and mask_archives: still to be extracted;
    metadata: the file with the classes, if there is one; ignored: what is none of these; closed:
    folders that cannot be entered and links to what is not there, with the reason.
    """

    pictures: list[ImageFile] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    image_archives: list[Path] = field(default_factory=list)
    mask_archives: list[Path] = field(default_factory=list)
    metadata: Path | None = None
    ignored: list[Path] = field(default_factory=list)
    closed: dict[Path, str] = field(default_factory=dict)


def find_layout(source: Path, out: Path, metadata: Path | None = None) -> Layout:
    """Look through `source`, leaving out `out` where that lies below it.

    source may be a zip archive of pictures, where `metadata` names the file with their classes.
    metadata: that of a folder which has none of its own.
    Raises DataError where `source` is not a folder or holds no layout in use, where one of the
    archives is missing, and where a folder of a class has no picture.
    """
    if source.is_file() and source.suffix.lower() == ".zip":
        if metadata is None:
            raise DataError(
                f"{source} is one archive: --metadata must name the file of its classes"
            )
        return Layout(image_archives=[source], metadata=metadata)
    if not source.is_dir():
        raise DataError(f"{source} is not a folder; it must hold {LAYOUTS}")
    layout = Layout(metadata=_metadata(source) or metadata)
    entries = sorted(source.iterdir())
    # Beside HAM10000 as distributed, other folders are not part of it.
    distributed = any(e.name in IMAGE_ARCHIVES or _IMAGE_FOLDER.fullmatch(e.name) for e in entries)
    for entry in entries:
        if entry == layout.metadata:
            continue
        if is_hidden(entry.name):
            if entry.is_dir() and quality.find_inputs([entry]).files:
                layout.ignored.append(entry)
            continue
        if entry.resolve() == out.resolve():
            continue
        if distributed and not _is_distributed(entry):
            layout.ignored.append(entry)
        elif entry.is_dir() and source.resolve().is_relative_to(entry.resolve()):
            layout.ignored.append(entry)  # a link to a folder above
        elif entry.is_dir():
            _folder(entry, layout, out)
        elif entry.is_symlink() and not entry.exists():
            layout.closed[entry] = "The link leads to what is not there."
        elif entry.name in IMAGE_ARCHIVES and not entry.with_suffix("").is_dir():
            layout.image_archives.append(entry)
        elif entry.name == MASK_ARCHIVE and not entry.with_suffix("").is_dir():
            layout.mask_archives.append(entry)
        elif layout.metadata and _is_picture(entry):
            _add(entry, layout)
        else:
            layout.ignored.append(entry)
    _require_all(source, layout)
    return layout


def _is_distributed(entry: Path) -> bool:
    named = (*IMAGE_ARCHIVES, MASK_ARCHIVE, MASK_ARCHIVE.removesuffix(".zip"))
    return entry.name in named or bool(_IMAGE_FOLDER.fullmatch(entry.name))


def _metadata(source: Path) -> Path | None:
    return next((source / n for n in METADATA_FILES if (source / n).is_file()), None)


def _folder(folder: Path, layout: Layout, out: Path) -> None:
    """Add the pictures of a folder of `source`, which is a split, a class or plain."""
    plain = _IMAGE_FOLDER.fullmatch(folder.name)
    split = _SPLITS.get((plain[1] if plain else folder.name).lower(), "")
    found = quality.find_inputs([folder])
    layout.closed.update(found.closed)
    layout.ignored.extend([*found.others, *found.hidden, *found.loops])
    files = [
        f for f in found.files if f not in found.closed and out.resolve() not in f.resolve().parents
    ]
    if folder in found.closed:
        return
    if not files and not split:
        if layout.metadata or plain:
            layout.ignored.append(folder)
            return
        raise DataError(f"the folder of class {folder.name} holds no pictures: {folder}")
    if split:
        for child in sorted(folder.iterdir()):
            hidden = is_hidden(child.name) or child in found.closed
            if child.is_dir() and not hidden and not any(child in f.parents for f in files):
                raise DataError(f"the folder of class {child.name} holds no pictures: {child}")
    for file in files:
        inner = file.relative_to(folder).parts[:-1]
        named = inner if split or plain else (folder.name, *inner)
        if not layout.metadata and not plain and len(named) != 1:
            raise DataError(f"{file} is not in a folder of a class; accepted are {LAYOUTS}")
        _add(file, layout, named[0] if len(named) == 1 else "", split)


def _add(file: Path, layout: Layout, dx: str = "", split: str = "") -> None:
    if file.stem.endswith(MASK_ENDING):
        layout.masks.append(file)
    else:
        layout.pictures.append(ImageFile(file, dx, split))


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in quality.IMAGE_SUFFIXES


def _require_all(source: Path, layout: Layout) -> None:
    """DataError where an archive or the metadata is missing, or there is nothing at all."""
    if layout.image_archives:
        there = {a.name for a in layout.image_archives}
        lacking = [
            n
            for n in IMAGE_ARCHIVES
            if n not in there and not (source / n).with_suffix("").is_dir()
        ]
        if not layout.metadata:
            lacking.insert(0, METADATA_FILE)
        if lacking:
            raise DataError(f"{source} lacks {', '.join(lacking)}; it must hold {LAYOUTS}")
    elif not layout.pictures:
        raise DataError(f"{source} holds no pictures; it must hold {LAYOUTS}")
    bare = [p.path for p in layout.pictures if not p.dx]
    if bare and not layout.metadata:
        raise DataError(
            f"{source} lacks {METADATA_FILE}, and {len(bare)} pictures are in no folder of a "
            f"class, the first is {bare[0]}"
        )
