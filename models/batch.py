"""Many picture files through one classifier, as the rows of a table."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

import quality
from models.classifier import Classifier, Prediction

Row = dict[str, Any]


def columns(codes: Sequence[str]) -> tuple[str, ...]:
    """The columns of the table, for a taxonomy's codes."""
    return ("file", "prediction", *codes, "p_malignant", "model")


def classify_files(
    classifier: Classifier, files: Sequence[Path], *, jobs: int | None = None
) -> Iterator[tuple[Row, str | None]]:
    """Yield a row and None for each file, in order; for an unreadable one an empty row and why.

    jobs: files that are read and classified at the same time; default: one more than the
        classifier's streams, so that one is being decoded while the others compute.
    """

    def classify(file: Path) -> tuple[Row, str | None]:
        try:
            image = quality.read(file)
        except quality.ImageError as error:
            return _empty(file, classifier), str(error)
        except OSError as error:
            return _empty(file, classifier), f"cannot be read: {error.strerror or error}"
        return _row(file, classifier.predict_one(image)), None

    with ThreadPoolExecutor(jobs or classifier.streams + 1) as pool:
        try:
            yield from pool.map(classify, files)
        finally:
            pool.shutdown(cancel_futures=True)


def write_csv(path: Path, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Write the table whole or not at all; a pipe or a device is written to directly."""

    def write(file: TextIO) -> None:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)

    if path.exists() and not path.is_file():
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            write(file)
        return
    path = path.resolve()  # a link to a table stays a link
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        # Names of files may hold bytes that are no UTF-8; they are written back as they are.
        with os.fdopen(handle, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            write(file)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _row(file: Path, prediction: Prediction) -> Row:
    probabilities = {code: round(p, 6) for code, p in prediction.probabilities.items()}
    return {
        "file": str(file),
        "prediction": prediction.code,
        **probabilities,
        "p_malignant": round(prediction.p_malignant, 6),
        "model": prediction.model,
    }


def _empty(file: Path, classifier: Classifier) -> Row:
    names = columns(classifier.card.taxonomy.codes)
    return dict.fromkeys(names, None) | {"file": str(file), "model": classifier.card.name}
