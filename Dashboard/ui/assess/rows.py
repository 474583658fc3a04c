"""One result as a row of the table and of the CSV file."""

from typing import Any

from Dashboard.assess.service import Assessment
from Dashboard.ui.assess.outcomes import ERROR, outcome_of
from models.registry.taxonomy import HAM10000

# The browser puts `file` before these: the server never learns a file's name.
COLUMNS: tuple[str, ...] = (
    "message",
    "prediction",
    "code",
    "probability",
    *HAM10000.codes,
    "p_malignant",
    "in_distribution",
    "width",
    "height",
    "laplacian_variance",
    "gamma",
    "brightness",
    "verdict",
    "reasons",
    "gate_overridden",
    "model",
    "version",
    "seconds",
    "outcome",
    "error",
)


def result_row(assessment: Assessment) -> dict[str, Any]:
    """`assessment` by column; what does not apply is empty."""
    report = assessment.quality
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    row.update(
        message=assessment.message,
        outcome=outcome_of(assessment).key,
        width=report.width,
        height=report.height,
        laplacian_variance=round(report.laplacian_variance, 3),
        gamma=round(report.gamma, 4),
        brightness=round(report.brightness, 2),
        verdict=report.verdict,
        reasons=" ".join(report.reasons),
        gate_overridden=assessment.overridden,
        seconds=round(assessment.seconds, 4),
    )
    prediction = assessment.prediction
    if prediction is not None:
        row.update({code: round(p, 6) for code, p in prediction.probabilities.items()})
        row.update(
            prediction=prediction.name,
            code=prediction.code,
            probability=round(prediction.probability, 6),
            p_malignant=round(prediction.p_malignant, 6),
            in_distribution=""
            if assessment.in_distribution is None
            else assessment.in_distribution,
            model=assessment.model,
            version=assessment.version,
        )
    return row


def error_row(sentence: str) -> dict[str, Any]:
    """The row of a file that could not be assessed."""
    return {**dict.fromkeys(COLUMNS, ""), "outcome": ERROR.key, "error": sentence}
