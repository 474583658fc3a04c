"""What the API answers of a job: how far it is, and what is known of one that is done."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
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


def progress(
    row: Explanation, ahead: float = 0.0, names: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """How far a job is, as the API answers.

    ahead: seconds that those before it are expected to take.
    names: what the model's targets are called; without one its code is written.
    """
    method = METHODS.get(row.method)
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
        "title": method.label if method else row.method,
        "words": " · ".join(_words(row, names)),
        "status": _status(row, ahead),
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


def _words(row: Explanation, names: Mapping[str, str]) -> Iterator[str]:
    """What one is of: target, precision, how long it took, and what is to be said against it."""
    method, done = METHODS.get(row.method), row.result if row.state == "done" else None
    code = done["target"] if done else row.target
    target = names.get(code, code) if code else "Predicted class"
    yield f"{target} {done['probability']:.1%}" if done else target
    if method and method.has_precision:
        yield row.precision
    if done:
        yield _seconds(done["seconds"])
        if method and method.fails_randomisation:
            yield "fails the sanity check"


def _status(row: Explanation, ahead: float) -> str:
    """How far one is that waits or runs; why there is none."""
    left = seconds_left(row, ahead)
    if left is None:
        return row.error or ""
    far = "Waiting" if row.state == "queued" else f"{row.fraction:.0%}"
    return f"{far}, about {_seconds(left)} left"


def _seconds(value: float) -> str:
    return f"{max(value, 0.1):.1f} s" if value < 9.5 else f"{value:.0f} s"
