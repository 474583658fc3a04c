"""What the scores say: a table with intervals, as CSV, Markdown and one HTML page."""

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interpretability.faithfulness.randomisation import ALIKE
from interpretability.methods import METHODS
from quality.output import write_text

REPEATS = 2000
MEASURES: Mapping[str, str] = {
    "deletion": "score left while the most important pixels go first; smaller is better",
    "deletion_gain": "0: as a random order, 1: as the best order known for that picture",
    "insertion": "score gained while they come first; larger is better",
    "insertion_gain": "0: as a random order, 1: as the best order known for that picture",
    "infidelity": "error in foretelling what hiding a square does; 0 perfect, 1 as a map of zeros",
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
    head = "".join(f"<th title='{html.escape(MEASURES[name])}'>{name}</th>" for name in shown)
    body = "".join(
        f"<tr><th scope='row'>{html.escape(METHODS[method].label)}</th>"
        + "".join(f"<td>{_cell(measures[name])}</td>" for name in shown)
        + "</tr>"
        for method, measures in summary.items()
    )
    meanings = "".join(f"<li><b>{name}</b>: {html.escape(MEASURES[name])}.</li>" for name in shown)
    pictures = "".join(
        f"<figure><img alt='{html.escape(caption, quote=True)}' "
        f"src='data:image/png;base64,{base64.b64encode(data).decode('ascii')}'>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, data in examples
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(about)}</p>"
        f"<h2>Scores</h2><div class='wide'><table><thead><tr><th>method</th>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div><ul>{meanings}</ul>"
        "<h2>Agreement between methods</h2>"
        "<p>Mean rank correlation of the magnitudes of two methods' maps.</p>"
        f"<div class='wide'>{_matrix(list(summary), pairs)}</div>"
        "<h2>Examples</h2><p>Orange-red speaks for the class, blue against it; maps without a sign "
        f"run from yellow to violet.</p>{pictures}</body></html>\n"
    )


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write each file whole."""
    for name, text in texts.items():
        write_text(folder / name, text)


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;"
    "color:#222;background:#fff}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}"
    "tbody th,thead th:first-child{text-align:left}.wide{overflow-x:auto}"
    "img{max-width:100%;height:auto}figure{margin:1rem 0}figcaption{color:#555}"
)


def _measured(summary: Summary) -> list[str]:
    return [name for name in MEASURES if any(one[name].n for one in summary.values())]


def _cell(value: Value) -> str:
    if not value.n:
        return "–"
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"


def _matrix(methods: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> str:
    def value(a: str, b: str) -> float:
        return pairs.get((a, b), pairs.get((b, a), float("nan")))

    head = "".join(f"<th>{html.escape(METHODS[one].label)}</th>" for one in methods)
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(METHODS[a].label)}</th>"
        + "".join(_shaded(value(a, b)) for b in methods)
        + "</tr>"
        for a in methods
    )
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _shaded(value: float) -> str:
    if np.isnan(value):
        return "<td>–</td>"
    return f"<td style='background:rgba(178,84,30,{0.6 * max(0.0, value):.2f})'>{value:.2f}</td>"
