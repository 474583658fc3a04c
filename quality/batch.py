"""Many files: a row for each, measured in parallel."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from quality.files import read_with_notes, why_unread
from quality.gate import Mode, Thresholds, Verdict, check

SEPARATOR = " | "
"""Between several sentences in one field of the CSV."""


@dataclass(frozen=True)
class Row:
    """One input; its fields are the columns of the CSV, in this order.

    The measures are None where the file could not be read; `reasons` then says why.
    """

    file: str
    width: int | None
    height: int | None
    laplacian_variance: float | None
    gamma: float | None
    brightness: float | None
    verdict: Verdict | Literal["error"]
    reasons: str
    laplacian_variance_normalised: float | None = None
    notes: str = ""


COLUMNS = tuple(field.name for field in fields(Row))


def measure(path: Path, thresholds: Thresholds | None = None, mode: Mode = "classic") -> Row:
    """Read, measure and judge one file; a file that cannot be read gives a row that says why."""
    try:
        decoded = read_with_notes(path)
        report = check(decoded.image, thresholds, mode)
    except Exception as error:
        return _unreadable(path, why_unread(error))
    return Row(
        file=str(path),
        width=report.width,
        height=report.height,
        laplacian_variance=report.laplacian_variance,
        gamma=report.gamma,
        brightness=report.brightness,
        verdict=report.verdict,
        reasons=SEPARATOR.join(report.reasons),
        laplacian_variance_normalised=report.laplacian_variance_normalised,
        notes=SEPARATOR.join((*decoded.notes, *report.notes)),
    )


def measure_all(
    paths: Sequence[Path],
    thresholds: Thresholds | None = None,
    mode: Mode = "classic",
    jobs: int = 1,
) -> Generator[Row, None, None]:
    """A row for each path, in their order, measured by `jobs` threads.

    Threads suffice: Pillow and OpenCV let go of Python's lock while they work. Closing the
    iterator early drops what has not begun.
    """
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        yield from pool.map(lambda path: measure(path, thresholds, mode), paths)
    finally:
        pool.shutdown(cancel_futures=True)


def _unreadable(path: Path, why: str) -> Row:
    return Row(str(path), None, None, None, None, None, "error", why)
