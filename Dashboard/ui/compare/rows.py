"""What the Compare page lays side by side: kept assessments in, rows of texts out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from Dashboard.ui.elements.text import measure, percent
from models.registry.names import title
from models.registry.taxonomy import HAM10000

# From which difference on a number is marked as another one than the first picture's.
POINTS, FACTOR, CONTRAST, BRIGHTNESS = 0.10, 2.0, 0.05, 25.0
MARKED = (
    "Marked is what differs from the first picture: other words, a probability by "
    f"{100 * POINTS:g} points or more, sharpness by a factor of {FACTOR:g}, contrast by "
    f"{CONTRAST:g}, brightness by {BRIGHTNESS:g}."
)
NOTHING = "–"
OTHER = "≠"
QUALITY = {"accept": "Accepted", "reject": "Rejected"}
VERDICTS = {
    "retake": "Retake",
    "consultation": "Consultation",
    "no_appointment": "No appointment",
    "none": "No advice",
}
Case = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """What stands in a row for one picture.

    share: in [0, 1], to be drawn as a bar; None: no bar.
    malignant: whether the bar is of what is malignant.
    differs: how it differs from the first picture's, in words; empty where it does not.
    """

    text: str
    share: float | None = None
    malignant: bool = False
    differs: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    of: makes a picture's value of its case, None where it has none.
    shown: the value in words.
    distance: from the first picture's value to another, in words; empty where it is not worth
        marking.
    bar: whether the value is a share that a bar shows; `malignant`: of what is malignant.
    """

    name: str
    of: Callable[[Case], Any]
    shown: Callable[[Any], str] = str
    distance: Callable[[Any, Any], str] | None = None
    bar: bool = False
    malignant: bool = False

    def cells(self, cases: Sequence[Case]) -> list[Cell]:
        """A cell for each picture."""
        values = [self.of(case) for case in cases]
        return [
            Cell(
                NOTHING if value in (None, "") else self.shown(value),
                value if self.bar else None,
                self.malignant,
                self._differs(values[0], value),
            )
            for value in values
        ]

    def _differs(self, first: Any, value: Any) -> str:
        """What is not known does not differ."""
        if first in (None, "") or value in (None, "") or first == value:
            return ""
        return self.distance(first, value) if self.distance else OTHER


def _answered(*path: str) -> Callable[[Case], Any]:
    def of(case: Case) -> Any:
        found: Any = case["answer"]
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    return of


def _points(first: float, value: float) -> str:
    points = value - first
    return f"{100 * points:+.0f} points" if abs(points) >= POINTS else ""


def _times(first: float, value: float) -> str:
    low, high = sorted((max(first, 1e-9), max(value, 1e-9)))
    return f"× {value / max(first, 1e-9):.2g}" if high / low >= FACTOR else ""


def _by(step: float, digits: int) -> Callable[[float, float], str]:
    def distance(first: float, value: float) -> str:
        return f"{value - first:+.{digits}f}" if abs(value - first) >= step else ""

    return distance


def _unmarked(*_: Any) -> str:
    return ""


def _reasons(case: Case) -> str:
    return " ".join(case["answer"].get("reasons", ()))


def _sharpness(case: Case) -> Any:
    report = case["answer"]["quality"]
    classic = report.get("mode") == "classic"
    return report["laplacian_variance" if classic else "laplacian_variance_normalised"]


def _lesion(name: str) -> Callable[[Case], Any]:
    return lambda case: (case["lesion"] or {}).get(name)


def _date(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


ROWS: tuple[Row, ...] = (
    Row("Most likely", lambda case: case["prediction"]),
    Row("Malignant probability", lambda case: case["p_malignant"], percent, _points, True, True),
    *(
        Row(
            HAM10000.name(code),
            _answered("probabilities", code),
            percent,
            _points,
            True,
            code in HAM10000.malignant,
        )
        for code in HAM10000.codes
    ),
    Row("Certainty", lambda case: case["certainty"], str.capitalize),
    Row("Reasons", lambda case: " ".join(case["answer"].get("reasons", ())), distance=_unmarked),
    Row("Quality", lambda case: case["quality"], lambda value: QUALITY.get(value, value)),
    Row("Sharpness", _sharpness, measure, _times),
    Row("Contrast", _answered("quality", "gamma"), "{:.3f}".format, _by(CONTRAST, 2)),
    Row("Brightness", _answered("quality", "brightness"), "{:.0f}".format, _by(BRIGHTNESS, 0)),
    Row("Model", lambda case: case["model"], title),
    Row("Version", lambda case: case["version"]),
    Row("Date", lambda case: case["created"], _date, _unmarked),
    Row("Lesion", _lesion("name")),
    Row("Body site", _lesion("body_site")),
    Row("Histology", _lesion("histology")),
    Row("Clinician's verdict", lambda case: case["clinician_verdict"], VERDICTS.__getitem__),
    Row("Note", lambda case: case["note"], distance=_unmarked),
)
