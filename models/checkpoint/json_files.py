"""JSON files of a checkpoint: read with errors that name the file, written whole or not at all."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from models.errors import CheckpointError


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; CheckpointError where it is missing or something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}, not an object")
    return data


def check_keys(data: Mapping[str, Any], cls: type, file: str) -> None:
    """CheckpointError where `data` has keys that are no fields of the dataclass `cls`."""
    known = {f.name for f in fields(cls)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise CheckpointError(
            f"{file} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )


def json_text(data: Mapping[str, Any]) -> str:
    """The text of a JSON file; ValueError for NaN and infinity, which JSON does not know."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write UTF-8 files into a folder, in this order; none where one of them cannot be written."""
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as name:
        staging = Path(name)
        for file, text in texts.items():
            (staging / file).write_text(text, encoding="utf-8")
            (staging / file).chmod(0o644)
        for file in texts:
            (staging / file).replace(folder / file)
