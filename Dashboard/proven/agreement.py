"""How often neighbours have the diagnosis of a picture: measured, and said beside them.

`python -m studies.neighbours` measured it, on pictures that the models had not learnt from.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from Dashboard.proven.similar import NEAREST, Similar
from models.registry.names import title
from models.registry.taxonomy import HAM10000

REPORT = Path(__file__).resolve().parents[2] / "reports" / "neighbours" / "agreement.csv"
WORTH = "Looking alike proves nothing"


@dataclass(frozen=True)
class Measured:
    """Of the nearest lesions, the share with a picture's own diagnosis.

    n: pictures; by_class: in [0, 1], by code; mean: over the classes, with its 95 % interval.
    """

    model: str
    version: str
    n: int
    by_class: Mapping[str, float]
    mean: tuple[float, float, float]


def agreement(found: Similar, report: Path = REPORT) -> str:
    """What the neighbours are worth, in a sentence or two; empty where there are none."""
    if not found.neighbours:
        return ""
    known = measured(report)
    if not known:
        return f"{WORTH}."
    one = known.get(found.model) or next(iter(known.values()))
    least, most = (choose(one.by_class, key=one.by_class.__getitem__) for choose in (min, max))
    value, low, high = one.mean
    said = (
        f"{WORTH}: of {one.n:,} pictures whose diagnosis was known, the nearest {NEAREST} lesions "
        f"had the same one in {value:.0%} ({low:.0%} to {high:.0%}) on average over the classes, "
        f"from {one.by_class[least]:.0%} for {HAM10000.name(least).lower()} to "
        f"{one.by_class[most]:.0%} for {HAM10000.name(most).lower()}."
    )
    if one.model != found.model:
        return f"{said} That was measured with another model, {title(one.model)}."
    if one.version != found.version:
        return f"{said} That was measured with version {one.version} of the model."
    return said


@cache
def measured(report: Path) -> Mapping[str, Measured]:
    """What a report says, by the checkpoints' names; nothing where there is none."""
    if not report.is_file():
        return {}
    with report.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["k"]) == NEAREST]
    found = {}
    for mean in (row for row in rows if row["class"] == "mean"):
        own = [row for row in rows if row["model"] == mean["model"] and row is not mean]
        found[mean["model"]] = Measured(
            model=mean["model"],
            version=mean["version"],
            n=int(mean["n"]),
            by_class={row["class"]: float(row["value"]) for row in own},
            mean=(float(mean["value"]), float(mean["low"]), float(mean["high"])),
        )
    return found
