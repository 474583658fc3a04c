"""Many picture files through one classifier, as the rows of a table."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import quality
from models.inference.classifier import Classifier, Prediction

Row = dict[str, Any]


def columns(codes: Sequence[str]) -> tuple[str, ...]:
    """The columns of the table, for a taxonomy's codes."""
    return (
        "file",
        "code",
        "prediction",
        *codes,
        "p_malignant",
        "in_distribution",
        "model",
        "error",
    )


def classify_files(
    classifier: Classifier, files: Sequence[Path], *, jobs: int | None = None
) -> Iterator[Row]:
    """Yield the row of each file, in order; that of an unreadable one has its reason alone.

    jobs: files that are read and classified at the same time; default: one more than the
        classifier's streams, so that one is being decoded while the others compute.
    """

    def classify(file: Path) -> Row:
        try:
            return _row(file, classifier.predict_one(quality.read(file)))
        except Exception as error:
            return _unread(file, classifier, quality.why_unread(error))

    with ThreadPoolExecutor(jobs or classifier.streams + 1) as pool:
        try:
            yield from pool.map(classify, files)
        finally:
            pool.shutdown(cancel_futures=True)


def _row(file: Path, prediction: Prediction) -> Row:
    probabilities = {code: round(p, 6) for code, p in prediction.probabilities.items()}
    return {
        "file": str(file),
        "code": prediction.code,
        "prediction": prediction.name,
        **probabilities,
        "p_malignant": round(prediction.p_malignant, 6),
        "in_distribution": prediction.in_distribution,
        "model": prediction.model,
        "error": None,
    }


def _unread(file: Path, classifier: Classifier, error: str) -> Row:
    names = columns(classifier.card.taxonomy.codes)
    known = {"file": str(file), "model": classifier.card.name, "error": error}
    return dict.fromkeys(names, None) | known
