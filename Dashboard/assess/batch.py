"""Many images without a server: the same gate, classifier and advice, as a table."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import quality
from Dashboard.assess.rows import Row, assessment_row, error_row
from Dashboard.assess.service import Service


def assess_files(
    service: Service, files: Sequence[Path], *, model: str | None = None, jobs: int
) -> Iterator[Row]:
    """One row per file, in order, with the keys of `rows.COLUMNS`; `jobs` files at a time.

    A file that cannot be read or decoded gives a row with verdict `error` that says why.
    """

    def row(file: Path) -> Row:
        try:
            decoded = quality.read_with_notes(file, service.config.limits)
            assessment = service.assess_image(decoded.image, model=model, notes=decoded.notes)
            return assessment_row(assessment, str(file))
        except Exception as error:
            return error_row(quality.why_unread(error), str(file))

    with ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(row, files)
        finally:
            pool.shutdown(cancel_futures=True)
