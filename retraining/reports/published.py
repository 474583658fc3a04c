"""Other people's results, to lay beside one's own."""

import csv
from pathlib import Path

PUBLISHED = ("table", "model", "auc", "accuracy", "precision", "recall", "f1", "protocol")


def load_published(path: Path) -> list[dict[str, str]]:
    """Read other people's results: a CSV file with the columns `PUBLISHED`.

    table: `7-class` or `2-class`; protocol: on what, and chosen how. ValueError otherwise.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in PUBLISHED if name not in (reader.fieldnames or ())]
        if lacking:
            raise ValueError(
                f"{path} lacks the columns {', '.join(lacking)}; it needs {', '.join(PUBLISHED)}"
            )
        rows = [{name: (row[name] or "").strip() for name in PUBLISHED} for row in reader]
    wrong = {row["table"] for row in rows} - {"7-class", "2-class"}
    if wrong:
        raise ValueError(f"{path}: table must be 7-class or 2-class, got {sorted(wrong)[0]!r}")
    return rows
