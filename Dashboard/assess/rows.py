"""The one row of an assessment: page, CSV files and commands have no other."""

from pathlib import PurePath
from typing import Any

from Dashboard.assess.assessment import Assessment
from models.registry.taxonomy import HAM10000

COLUMNS: tuple[str, ...] = (
    "file",
    "folder",
    "verdict",
    "message",
    "code",
    "prediction",
    "probability",
    "p_malignant",
    *HAM10000.codes,
    "certainty",
    "laplacian_variance",
    "gamma",
    "brightness",
    "quality",
    "model",
    "version",
    "notes",
    "error",
    # Other programs read the table: new columns come last.
    "in_distribution",
    "gate_overridden",
    "width",
    "height",
    "laplacian_variance_normalised",
    "seconds",
)
Row = dict[str, Any]


def assessment_row(assessment: Assessment, file: str = "") -> Row:
    """`assessment` by column; what does not apply, the classes of a rejected image, say, is "".

    file: the path as given, or inside what was dropped; empty where the server does not learn it.
    """
    report, prediction = assessment.quality, assessment.prediction
    opinions = assessment.decision.second_opinion
    notes = [*assessment.reasons, *report.reasons, opinions, assessment.clearance]
    row = _empty(file) | {
        "verdict": assessment.verdict,
        "message": assessment.message,
        "laplacian_variance": round(report.laplacian_variance, 4),
        "gamma": round(report.gamma, 6),
        "brightness": round(report.brightness, 4),
        "quality": report.verdict,
        "model": assessment.model,
        "version": assessment.version,
        "notes": " ".join(dict.fromkeys(note for note in (*notes, *report.notes) if note)),
        "gate_overridden": assessment.overridden,
        "width": report.width,
        "height": report.height,
        "laplacian_variance_normalised": round(report.laplacian_variance_normalised, 4),
        "seconds": round(assessment.seconds, 4),
    }
    if prediction is not None:
        known = assessment.in_distribution
        row |= {
            "code": prediction.code,
            "prediction": prediction.name,
            "probability": round(prediction.probability, 6),
            "p_malignant": round(prediction.p_malignant, 6),
            "certainty": assessment.certainty,
            "in_distribution": "" if known is None else known,
        }
        row |= {code: round(p, 6) for code, p in prediction.probabilities.items()}
    return row


def error_row(sentence: str, file: str = "") -> Row:
    """The row of a file that could not be assessed, with the reason."""
    return _empty(file) | {"verdict": "error", "error": sentence}


def _empty(file: str) -> Row:
    folder = str(PurePath(file).parent) if file else ""
    return dict.fromkeys(COLUMNS, "") | {"file": file, "folder": "" if folder == "." else folder}
