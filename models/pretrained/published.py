"""The file that published weights come in. No torch."""

import hashlib
from pathlib import Path

from models.errors import WeightsUnavailableError


def check(file: Path, sha256: str, of: str, source: str, remedy: str = "") -> None:
    """Make sure that a file is the published one.

    of: the network whose weights it holds. source: package and version. remedy: what to do where
    the file is not there. Raises WeightsUnavailableError.
    """
    try:
        with file.open("rb") as published:
            found = hashlib.file_digest(published, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnavailableError(
            f"the weights of {of} could not be read: {error}{remedy and f'; {remedy}'}"
        ) from None
    if found != sha256:
        raise WeightsUnavailableError(
            f"the weights of {of} are those of {source}; {file.name} is another file (SHA-256 "
            f"{found[:12]}, not {sha256[:12]})"
        )
