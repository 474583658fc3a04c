"""Many images without a server: the same gate, classifier and advice, as a table."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import quality
from Dashboard.assess.service import Assessment, Service
from models.registry.taxonomy import HAM10000

COLUMNS = (
    "file",
    "message",
    "prediction",
    "probability",
    *HAM10000.codes,
    "p_malignant",
    "in_distribution",
    "laplacian_variance",
    "laplacian_variance_normalised",
    "gamma",
    "brightness",
    "verdict",
    "reasons",
    "model",
    "error",
)
Row = dict[str, Any]


def assess_files(
    service: Service, files: Sequence[Path], *, model: str | None = None, jobs: int
) -> Iterator[Row]:
    """One row per file, in order, with the keys of `COLUMNS`; `jobs` files at a time.

    A file that cannot be read or decoded gives a row with verdict `error` that says why.
    """

    def row(file: Path) -> Row:
        try:
            image = quality.read(file, service.config.limits)
        except quality.ImageError as error:
            return error_row(file, str(error))
        except OSError as error:
            return error_row(file, f"cannot be read: {error.strerror or error}")
        return assessment_row(file, service.assess_image(image, model=model))

    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(row, files)
        finally:
            pool.shutdown(cancel_futures=True)


def assessment_row(file: Path, assessment: Assessment) -> Row:
    """The row of an assessed image; of a rejected one the columns of the classes stay empty."""
    report = assessment.quality
    row: Row = dict.fromkeys(COLUMNS, "") | {
        "file": str(file),
        "message": assessment.message,
        "laplacian_variance": round(report.laplacian_variance, 4),
        "laplacian_variance_normalised": round(report.laplacian_variance_normalised, 4),
        "gamma": round(report.gamma, 6),
        "brightness": round(report.brightness, 4),
        "verdict": report.verdict,
        "reasons": " ".join(report.reasons),
        "model": assessment.model,
    }
    if assessment.prediction is not None:
        prediction = assessment.prediction
        row |= {
            "prediction": prediction.code,
            "probability": round(prediction.probability, 6),
            "p_malignant": round(prediction.p_malignant, 6),
            "in_distribution": ""
            if assessment.in_distribution is None
            else str(assessment.in_distribution).lower(),
        }
        row |= {code: round(p, 6) for code, p in prediction.probabilities.items()}
    return row


def error_row(file: Path, error: str) -> Row:
    """The row of a file that is not an image that can be assessed."""
    return dict.fromkeys(COLUMNS, "") | {"file": str(file), "verdict": "error", "error": error}
