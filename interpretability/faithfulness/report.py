"""What the scores say: a table with intervals, as CSV, Markdown and one HTML page."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from interpretability.faithfulness.randomisation import ALIKE
from interpretability.methods import METHODS

REPEATS = 2000
MEASURES: Mapping[str, str] = {
    "deletion": "score left while the most important pixels go first; smaller is better",
    "deletion_gain": "0: as a random order, 1: as the best order known for that picture",
    "insertion": "score gained while they come first; larger is better",
    "insertion_gain": "0: as a random order, 1: as the best order known for that picture",
    "infidelity": "error in predicting what hiding a square does; 0 perfect, 1 as a map of zeros",
    "sensitivity": "relative change of the map under invisible noise; smaller is steadier",
    "randomisation": "likeness to the map of a network with random weights; "
    f"{ALIKE} or more, to two digits, fails the check",
    "inside": "share of the positive attribution inside the lesion's mask",
    "pointing": "how often the largest value lies inside the mask",
    "mask_share": "the mask's share of the picture: what a map of no value has",
}


@dataclass(frozen=True)
class Value:
    """A mean with its 95 % interval, of n lesions."""

    mean: float
    low: float
    high: float
    n: int


def interval(values: Sequence[float], seed: int = 0) -> Value:
    """Mean and 95 % bootstrap interval over lesions (one value each); NaN values are left out."""
    kept = np.asarray([one for one in values if np.isfinite(one)])
    if not len(kept):
        return Value(float("nan"), float("nan"), float("nan"), 0)
    picks = np.random.default_rng(seed).integers(0, len(kept), (REPEATS, len(kept)))
    low, high = np.percentile(kept[picks].mean(axis=1), (2.5, 97.5))
    return Value(float(kept.mean()), float(low), float(high), len(kept))


Summary = Mapping[str, Mapping[str, Value]]


def summarise(rows: Sequence[Mapping[str, str]]) -> Summary:
    """Per method and measure; rows are those of `scores.csv`."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    return {
        method: {
            measure: interval(
                [float(row[measure] or "nan") for row in rows if row["method"] == method]
            )
            for measure in MEASURES
        }
        for method in methods
    }


def agreement(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], float]:
    """Mean rank correlation of every two methods; rows are those of `agreement.csv`."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        value = float(row["correlation"])
        if np.isfinite(value):
            found.setdefault((row["first"], row["second"]), []).append(value)
    return {pair: float(np.mean(values)) for pair, values in found.items()}


def as_csv(summary: Summary) -> str:
    """`method, measure, n, value, low, high`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("method", "measure", "n", "value", "low", "high"))
    for method, measures in summary.items():
        for measure, one in measures.items():
            if one.n:
                numbers = (f"{value:.4f}" for value in (one.mean, one.low, one.high))
                writer.writerow((method, measure, one.n, *numbers))
    return text.getvalue()


def as_markdown(summary: Summary, title: str, about: str) -> str:
    """The table, with what its columns mean."""
    shown = _measured(summary)
    lines = [f"# {title}", "", about, "", f"| method | {' | '.join(shown)} |"]
    lines.append("| --- |" + " ---: |" * len(shown))
    for method, measures in summary.items():
        cells = (_cell(measures[name]) for name in shown)
        lines.append(f"| {method} | {' | '.join(cells)} |")
    lines += ["", *(f"- `{name}`: {MEASURES[name]}." for name in shown)]
    return "\n".join(lines) + "\n"


def as_html(
    summary: Summary,
    pairs: Mapping[tuple[str, str], float],
    title: str,
    about: str,
    examples: Sequence[tuple[str, bytes]],
) -> str:
    """One page that needs no other file. examples: caption and PNG."""
    shown = _measured(summary)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("faithfulness.html.j2").render(
        title=title,
        about=about,
        measures={name: MEASURES[name] for name in shown},
        scores=[
            (METHODS[method].label, [_cell(measures[name]) for name in shown])
            for method, measures in summary.items()
        ],
        methods=[METHODS[method].label for method in summary],
        agreement=[
            (METHODS[first].label, [_correlation(pairs, first, second) for second in summary])
            for first in summary
        ],
        examples=[(text, base64.b64encode(data).decode("ascii")) for text, data in examples],
    )


def _measured(summary: Summary) -> list[str]:
    return [name for name in MEASURES if any(one[name].n for one in summary.values())]


def _cell(value: Value) -> str:
    if not value.n:
        return "–"
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def _correlation(pairs: Mapping[tuple[str, str], float], first: str, second: str) -> float | None:
    """In whichever order the two stand; None where there is none."""
    return pairs.get((first, second), pairs.get((second, first)))
