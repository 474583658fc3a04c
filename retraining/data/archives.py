"""Pictures out of zip archives."""

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import quality
from quality.inputs import is_hidden
from quality.output import replacing
from retraining.data.errors import DataError
from retraining.progress import ProgressCallback


def extract(
    archive: Path, folder: Path, progress: ProgressCallback | None = None
) -> dict[str, Path]:
    """Extract the pictures of a zip file flat into `folder`; returns {stem: file}.

    What is there already in the same size is left alone; every file is written whole or not at
    all. Raises DataError where the archive is damaged, a name stands twice in it, or the disk has
    not the room.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = _members(file, archive)
            _require_room(members, folder)
            for done, (target, member) in enumerate(members.items(), 1):
                if not _there(folder / target, member):
                    with (
                        replacing(folder / target) as temporary,
                        file.open(member) as data,
                        temporary.open("wb") as copy,
                    ):
                        shutil.copyfileobj(data, copy)
                if progress:
                    progress(done, len(members))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{archive} is damaged or not a plain zip archive ({error}); fetch it again"
        ) from None
    return {PurePosixPath(name).stem: folder / name for name in members}


def _members(file: zipfile.ZipFile, archive: Path) -> dict[str, zipfile.ZipInfo]:
    """{name in the folder: member} of the pictures."""
    found: dict[str, zipfile.ZipInfo] = {}
    stems: set[str] = set()
    for member in file.infolist():
        path = PurePosixPath(member.filename)
        if any(map(is_hidden, path.parts)) or path.suffix.lower() not in quality.IMAGE_SUFFIXES:
            continue
        if path.stem in stems:
            raise DataError(f"{archive.name} holds {path.stem} twice")
        stems.add(path.stem)
        # Only the last part of the name is used: an archive cannot write elsewhere.
        found[path.name] = member
    return found


def _there(target: Path, member: zipfile.ZipInfo) -> bool:
    return target.is_file() and target.stat().st_size == member.file_size


def _require_room(members: dict[str, zipfile.ZipInfo], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    needed = sum(m.file_size for name, m in members.items() if not _there(folder / name, m))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the disk of {folder} is too full: {needed / 1e6:,.0f} MB are needed and "
            f"{free / 1e6:,.0f} MB are free"
        )
