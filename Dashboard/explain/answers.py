"""What the API answers of a job: how far it is, and what is known of one that is done."""

from datetime import UTC, datetime
from typing import Any

from Dashboard.store.explanation_rows import OPEN
from Dashboard.store.schema import Explanation
from interpretability.methods import METHODS


def facts(row: Explanation) -> dict[str, Any]:
    """What is known of an explanation that is done."""
    return {
        "method": row.method,
        "precision": row.precision,
        "model": row.model,
        **row.result,
        "fails_randomisation": METHODS[row.method].fails_randomisation,
    }


def progress(row: Explanation, ahead: float = 0.0) -> dict[str, Any]:
    """How far a job is, as the API answers.

    ahead: seconds that those before it are expected to take.
    """
    return {
        "success": True,
        "key": row.key,
        "state": row.state,
        "fraction": row.fraction,
        "seconds_left": seconds_left(row, ahead),
        "error": row.error,
        "method": row.method,
        "precision": row.precision,
        "model": row.model,
        "target": row.target,
        "facts": facts(row) if row.state == "done" else None,
    }


def seconds_left(row: Explanation, ahead: float) -> float | None:
    """Estimate of the time to go: from the pace so far, before that from what is expected."""
    if row.state not in OPEN:
        return None
    if row.started is None or row.state == "queued":
        return round(ahead + row.estimate, 1)
    elapsed = max((datetime.now(UTC) - row.started).total_seconds(), 0.0)
    if row.fraction >= 0.05:
        return round(elapsed * (1 - row.fraction) / row.fraction, 1)
    return round(max(row.estimate - elapsed, 0.0), 1)
