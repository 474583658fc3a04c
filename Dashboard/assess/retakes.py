"""How far retakes of an unchanged lesion differ, as `python -m studies.retakes` measured it."""

import csv
import logging
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FILE = Path(__file__).resolve().parents[2] / "reports" / "retakes" / "percentiles.csv"
# Lesions that no model learnt from.
GROUP = "test and val"
Measure = Literal["area", "area_by_skin", "colour", "p_malignant"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spread:
    """Of one measure: values by their percentile, upwards, over so many pairs of so many lesions.

    model, version: what classified, for the malignant probability.
    """

    values: tuple[tuple[float, float], ...]
    lesions: int
    pairs: int
    model: str
    version: str

    def below(self, value: float) -> float | None:
        """How many of 100 retakes differ by less; None: by fewer than any percentile known."""
        return max((percentile for percentile, at in self.values if value > at), default=None)

    def at(self, percentile: float) -> float | None:
        """By how much that many of 100 retakes differ at most."""
        return dict(self.values).get(percentile)


@cache
def retake_spread(file: Path = FILE) -> dict[str, Spread]:
    """The spread of each measure; empty where no study was shipped, or none that can be read."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["group"] == GROUP]
        found: dict[str, Spread] = {}
        for name in dict.fromkeys(row["measure"] for row in rows):
            of = [row for row in rows if row["measure"] == name]
            found[name] = Spread(
                tuple((float(row["percentile"]), float(row["value"])) for row in of),
                int(of[0]["lesions"]),
                int(of[0]["pairs"]),
                of[0]["model"],
                of[0]["version"],
            )
    except (OSError, KeyError, ValueError) as error:
        logger.warning("the spread of retakes in %s is not shown: %r", file, error)
        return {}
    return found


def retakes_below(measure: Measure, value: float | None) -> float | None:
    """How many of 100 retakes differ by less than `value` does; None where that is not known.

    value: of an area what it grew by (0.25: a quarter larger, -0.2 the same the other way round).
    """
    spread = retake_spread().get(measure)
    if value is None or spread is None:
        return None
    if measure in ("area", "area_by_skin"):
        value = math.inf if value <= -1 else max(1 + value, 1 / (1 + value)) - 1
    return spread.below(abs(value)) or 0.0
