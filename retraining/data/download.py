"""Fetching HAM10000 from Harvard Dataverse or Kaggle: goes on where it stopped, and checks."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retraining.data.errors import DataError
from retraining.data.formats import IMAGE_ARCHIVES, MASK_ARCHIVE, METADATA_FILE
from retraining.progress import NamedProgressCallback

DOI = "10.7910/DVN/DBW86T"
DATAVERSE = "https://dataverse.harvard.edu"
KAGGLE = "kmader/skin-cancer-mnist-ham10000"
KAGGLE_CACHE = "KAGGLEHUB_CACHE"
WANTED = (METADATA_FILE, *IMAGE_ARCHIVES, MASK_ARCHIVE)
ATTEMPTS = 5
# Bytes at a time, which is what a connection that breaks may lose; seconds without an answer.
CHUNK = 2**16
TIMEOUT = 30


class DownloadError(DataError):
    """A download that did not succeed; says what to do instead."""


@dataclass(frozen=True)
class _File:
    """A file of the archive: its address, size in bytes and MD5 in hexadecimal."""

    name: str
    url: str
    size: int
    md5: str


def from_dataverse(
    out: Path,
    progress: NamedProgressCallback | None = None,
    server: str = DATAVERSE,
    pause: float = 2.0,
) -> list[Path]:
    """Fetch the archives of HAM10000 into `out`, as `prepare` reads them; returns their paths.

    What is there already is checked and kept. A file that is not whole is `NAME.part`, to which
    the next attempt adds; it gets its name once its MD5 is the one that the archive states.
    progress: called with the file's name, the bytes that are there and those of the whole.
    server: a Dataverse; pause: seconds before another attempt.
    Raises DownloadError, which tells how to get the files without this command.
    """
    try:
        files = _listing(server)
        return [_fetch(file, out, progress, pause) for file in files]
    except OSError as error:
        _require_network(error)
        raise DownloadError(_offline(out, f"{server} gave nothing ({_reason(error)})")) from None


def from_kaggle(out: Path) -> Path:
    """Fetch the copy of HAM10000 on Kaggle with kagglehub, which resumes, checks and unpacks.

    Returns the folder below `out` for `prepare`. What is there already is kept.
    Raises DownloadError, which tells how to get the files without this command.
    """
    import kagglehub  # type: ignore[import-untyped]
    from kagglehub.exceptions import (  # type: ignore[import-untyped]
        BackendError,
        CredentialError,
        DataCorruptionError,
    )

    before = os.environ.get(KAGGLE_CACHE)
    # In its cache kagglehub goes on with half a file; in a folder it is given, it does not.
    os.environ[KAGGLE_CACHE] = str(out.resolve())
    try:
        return Path(kagglehub.dataset_download(KAGGLE))
    except (OSError, BackendError, CredentialError, DataCorruptionError) as error:
        _require_network(error)
        raise DownloadError(_offline(out, f"Kaggle gave nothing ({_reason(error)})")) from None
    finally:
        os.environ.pop(KAGGLE_CACHE)
        if before is not None:
            os.environ[KAGGLE_CACHE] = before


def _listing(server: str) -> list[_File]:
    """The wanted files of the data set's latest version."""
    from pooch.downloaders import DataverseRepository  # type: ignore[import-untyped]

    repository = DataverseRepository(DOI, server, timeout=TIMEOUT)
    repository.api_response.raise_for_status()
    try:
        answer = repository.api_response.json()
        entries = [e["dataFile"] for e in answer["data"]["latestVersion"]["files"]]
        found = {file.name: file for file in (_file(e, repository) for e in entries)}
    except (KeyError, TypeError, ValueError) as error:
        raise DownloadError(
            f"{server} does not list the files of doi:{DOI} as a Dataverse does ({error!r})"
        ) from None
    lacking = [name for name in WANTED if name not in found]
    if lacking:
        raise DownloadError(f"doi:{DOI} on {server} has no {', '.join(lacking)}")
    return [found[name] for name in WANTED]


def _file(entry: dict[str, Any], repository: Any) -> _File:
    """A listed file. Of tables that Dataverse has converted, the original, which the MD5 is of."""
    name, url = entry["filename"], repository.download_url(entry["filename"])
    size = entry["filesize"]
    if "originalFileFormat" in entry:
        url, size = f"{url}?format=original", entry.get("originalFileSize", 0)
    if Path(name).stem == Path(METADATA_FILE).stem:
        name = METADATA_FILE
    return _File(name, url, int(size), entry["md5"])


def _fetch(file: _File, out: Path, progress: NamedProgressCallback | None, pause: float) -> Path:
    """Bring one file, in as many attempts as allowed."""
    from pooch.hashes import hash_matches  # type: ignore[import-untyped]

    out.mkdir(parents=True, exist_ok=True)
    target, part = out / file.name, out / f"{file.name}.part"
    if target.is_file() and hash_matches(str(target), f"md5:{file.md5}"):
        return target
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _resume(file, part, progress)
        except OSError as error:
            _require_network(error)
            response = getattr(error, "response", None)
            refused = response is not None and response.status_code < 500
            if refused or attempt == ATTEMPTS:
                raise
            time.sleep(pause)
            continue
        if hash_matches(str(part), f"md5:{file.md5}"):
            part.replace(target)
            return target
        part.unlink()
    raise DownloadError(
        f"{file.name} came damaged {ATTEMPTS} times: its MD5 is not {file.md5}, which the archive "
        "states; try again later"
    )


def _resume(file: _File, part: Path, progress: NamedProgressCallback | None) -> None:
    """Add to `part` what it lacks."""
    from pooch import HTTPDownloader  # type: ignore[import-untyped]

    start = part.stat().st_size if part.is_file() else 0
    if file.size and start >= file.size:
        return
    # Compressed on the way, the bytes would not be those that a range counts.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    download = HTTPDownloader(
        progressbar=_Bar(file, start, progress), chunk_size=CHUNK, headers=headers, timeout=TIMEOUT
    )
    with part.open("ab") as partial:
        download(file.url, partial, None)


class _Bar:
    """What pooch tells of its progress, passed on with what was there before."""

    def __init__(self, file: _File, start: int, progress: NamedProgressCallback | None) -> None:
        self.file, self.start, self.progress = file, start, progress
        self.total = self.done = 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        if self.progress:
            self.progress(self.file.name, self.start + self.done, self.start + self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def _offline(out: Path, why: str) -> str:
    return (
        f"{why}; where there is no connection, fetch {', '.join(WANTED)} elsewhere from "
        f"https://doi.org/{DOI}, put them into {out} and run `python -m retraining prepare {out}`"
    )


def _require_network(error: Exception) -> None:
    """Raise what is not about the connection: a full disk has a number, errors of requests none."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _reason(error: Exception) -> str:
    """The kind of an error, or the HTTP status."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    return type(error).__name__
