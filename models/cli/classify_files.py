"""Many picture files through one classifier, as the rows of a table."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import quality
from models.inference.classifier import Classifier, Prediction

Row = dict[str, Any]


class Classified(NamedTuple):
    """A file's row of the table, why it could not be read, and whether it is a picture of skin.

    in_distribution: as of a prediction; None for a file that could not be read, too.
    """

    row: Row
    error: str | None
    in_distribution: bool | None


def columns(codes: Sequence[str]) -> tuple[str, ...]:
    """The columns of the table, for a taxonomy's codes."""
    return ("file", "prediction", *codes, "p_malignant", "model")


def classify_files(
    classifier: Classifier, files: Sequence[Path], *, jobs: int | None = None
) -> Iterator[Classified]:
    """Yield what is told of each file, in order; the row of an unreadable one is empty.

    jobs: files that are read and classified at the same time; default: one more than the
        classifier's streams, so that one is being decoded while the others compute.
    """

    def classify(file: Path) -> Classified:
        try:
            image = quality.read(file)
        except quality.ImageError as error:
            return Classified(_empty(file, classifier), str(error), None)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            return Classified(_empty(file, classifier), reason, None)
        prediction = classifier.predict_one(image)
        return Classified(_row(file, prediction), None, prediction.in_distribution)

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
