"""The study of the quality gate as files: tables, a figure and a text, with no picture in them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from quality import Thresholds
from quality.output import write_text
from retraining.reports.tables import markdown
from studies.gate.scale import Relation
from studies.gate.study import FALSE_REJECTS, LOSS

RESULT_FILE = "gate.json"
MEASURES = {"blur": "sharpness at 600 x 450", "contrast": "gamma"}
WIDTH, HEIGHT, MARGIN = 420, 280, 46


def write_report(
    out: Path,
    *,
    model: str,
    counts: Mapping[str, Mapping[str, int]],
    levels: pd.DataFrame,
    losses: Mapping[str, pd.DataFrame],
    confirmed: Mapping[str, pd.DataFrame],
    rejects: pd.DataFrame,
    found: Thresholds,
    usual: Thresholds,
    relation: Relation | None,
) -> None:
    """Write `gate.json`, three tables as CSV, `figure.json` (Plotly), `figure.svg`, `report.md`.

    counts: images and lesions of val, which chose, and of test, which scores.
    losses, confirmed: accuracy lost, on val and on test.
    """
    result = {
        "model": model,
        "chosen_on": {"split": "val", **counts["val"]},
        "scored_on": {"split": "test", **counts["test"]},
        "recommended": asdict(found),
        "classic": asdict(usual),
        "rule": (
            f"class-balanced accuracy lost >= {LOSS}, with an interval above 0; at most "
            f"{FALSE_REJECTS} of the images as they are turned away by each measure"
        ),
        "relation": asdict(relation) if relation else None,
    }
    write_text(out / RESULT_FILE, json.dumps(result, indent=2) + "\n")
    joined = pd.concat(
        [
            table.assign(kind=kind, split=split)
            for split, tables in (("val", losses), ("test", confirmed))
            for kind, table in tables.items()
        ]
    )
    for name, table in (("levels", levels), ("losses", joined), ("false_rejects", rejects)):
        write_text(out / f"{name}.csv", table.to_csv(index=False, float_format="%.4f"))
    write_text(out / "figure.json", figure(losses, found, usual).to_json() + "\n")
    write_text(out / "figure.svg", svg(losses, found, usual))
    write_text(out / "report.md", _text(result, levels, losses, confirmed, rejects))


def limits(kind: str, thresholds: Thresholds) -> float:
    """The threshold of the measure that suffers from a kind of degradation."""
    return thresholds.min_laplacian if kind == "blur" else thresholds.min_gamma


def figure(losses: Mapping[str, pd.DataFrame], found: Thresholds, usual: Thresholds) -> go.Figure:
    """Accuracy lost by the measured value, for blur and for contrast, with both thresholds."""
    drawn = make_subplots(1, 2, subplot_titles=[MEASURES[kind] for kind in losses])
    for column, (kind, table) in enumerate(losses.items(), 1):
        middle = (table.low + table.high) / 2
        drawn.add_scatter(
            x=middle.tolist(),
            y=table.loss.tolist(),
            error_y={
                "type": "data",
                "array": (table.loss_high - table.loss).tolist(),
                "arrayminus": (table.loss - table.loss_low).tolist(),
            },
            name=f"lost by {kind}",
            row=1,
            col=column,
        )
        for name, thresholds in (("recommended", found), ("classic", usual)):
            drawn.add_vline(
                x=limits(kind, thresholds),
                line_dash="solid" if name == "recommended" else "dot",
                annotation_text=name,
                row=1,
                col=column,
            )
    drawn.update_xaxes(type="log", row=1, col=1)
    drawn.update_yaxes(title_text="class-balanced accuracy lost", row=1, col=1)
    drawn.add_hline(y=LOSS, line_dash="dash", opacity=0.4)
    return drawn


def svg(losses: Mapping[str, pd.DataFrame], found: Thresholds, usual: Thresholds) -> str:
    """The same figure as a small SVG that needs no program to be seen."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    top = max(0.1, *(float(table.loss_high.max()) for table in losses.values() if len(table)))
    for place, (kind, table) in enumerate(losses.items()):
        if table.empty:
            continue
        parts += _panel(place * WIDTH, kind, table, top, found, usual)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    left: float,
    kind: str,
    table: pd.DataFrame,
    top: float,
    found: Thresholds,
    usual: Thresholds,
) -> list[str]:
    scale = np.log if kind == "blur" else np.asarray
    middle = ((table.low + table.high) / 2).to_numpy()
    lines = [limits(kind, found), limits(kind, usual)]
    ends = scale(np.array([v for v in [*middle, *lines] if v > 0]))
    start, end = float(ends.min()), float(ends.max())

    def x(value: float) -> float:
        share = (float(scale(np.array(value))) - start) / max(end - start, 1e-9)
        return left + MARGIN + share * (WIDTH - 2 * MARGIN)

    def y(value: float) -> float:
        return HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN)

    axis = "stroke='#999'"
    parts = [
        f"<line x1='{left + MARGIN}' x2='{left + WIDTH - MARGIN}' y1='{y(0)}' y2='{y(0)}' {axis}/>",
        f"<text x='{left + MARGIN}' y='20'>Accuracy lost by {kind}, by {MEASURES[kind]}</text>",
        f"<text x='{left + 4}' y='{y(LOSS) + 4:.1f}'>{LOSS:g}</text>",
        f"<line x1='{left + MARGIN}' x2='{left + WIDTH - MARGIN}' y1='{y(LOSS):.1f}' "
        f"y2='{y(LOSS):.1f}' stroke='#bbb' stroke-dasharray='4'/>",
    ]
    for name, value, colour in zip(
        ("recommended", "classic"), lines, ("#00695c", "#b26a00"), strict=True
    ):
        if value > 0:
            parts += [
                f"<line x1='{x(value):.1f}' x2='{x(value):.1f}' y1='{MARGIN}' y2='{y(0)}' "
                f"stroke='{colour}'/>",
                f"<text x='{x(value) + 3:.1f}' y='{MARGIN if name == 'classic' else MARGIN + 14}' "
                f"fill='{colour}'>{name} {value:g}</text>",
            ]
    points = []
    for row, at in zip(table.to_dict("records"), middle, strict=True):
        points.append(f"{x(at):.1f},{y(float(row['loss'])):.1f}")
        parts.append(
            f"<line x1='{x(at):.1f}' x2='{x(at):.1f}' y1='{y(float(row['loss_low'])):.1f}' "
            f"y2='{y(float(row['loss_high'])):.1f}' stroke='#5b7db1'/>"
        )
        parts.append(
            f"<circle cx='{x(at):.1f}' cy='{y(float(row['loss'])):.1f}' r='3' fill='#1f4e96'/>"
        )
    parts.append(f"<polyline points='{' '.join(points)}' fill='none' stroke='#1f4e96'/>")
    for at in (middle[0], middle[-1]):
        parts.append(f"<text x='{x(at) - 8:.1f}' y='{HEIGHT - MARGIN + 18}'>{at:.3g}</text>")
    return parts


def _text(
    result: Mapping[str, Any],
    levels: pd.DataFrame,
    losses: Mapping[str, pd.DataFrame],
    confirmed: Mapping[str, pd.DataFrame],
    rejects: pd.DataFrame,
) -> str:
    val, test = result["chosen_on"], result["scored_on"]
    found, relation = result["recommended"], result["relation"]
    parts = [
        "# The quality gate, measured",
        f"{val['images']} val images of {val['lesions']} lesions and {test['images']} test images "
        f"of {test['lesions']}, classified by `{result['model']}` as it is served, blurred and "
        f"faded step by step. Recommended: sharpness {found['min_laplacian']:g} at the common "
        f"working size and gamma {found['min_gamma']:g} (0: no value is), the largest values below "
        f"which the same lesions of val surely lose {LOSS:g} of class-balanced accuracy or more, "
        f"and which turn away at most {FALSE_REJECTS:.0%} of the val images as they are, all "
        "classes weighing the same: a lesion that is pale by itself is as pale the next time. "
        "Classic: 15 and 0.15. What the gates do to images as they are, and accuracy by step, "
        "come from test.",
        "![Accuracy lost](figure.svg)",
    ]
    if relation:
        parts.append(
            "The images are smaller than the working size; their sharpness there is estimated "
            "from that at their own size by lines between the logarithms, one for each blur, "
            f"fitted on {relation['n']} originals (common slope {relation['slope']:.2f}; a factor "
            f"of {np.exp(relation['spread']):.2f} is one standard deviation around them)."
        )
    parts += ["## Accuracy by step (test)", _table(levels)]
    for split, tables in (("val", losses), ("test", confirmed)):
        for kind, table in tables.items():
            parts += [f"## Accuracy lost by {MEASURES[kind]} ({kind}, {split})", _table(table)]
    parts += [
        "## Images as they are: turned away, and what that buys (test)",
        "`rejected` is the share that is turned away, with its 95% interval over lesions, "
        "`by_sharpness` and `by_gamma` what each measure does; in `all` every class weighs the "
        "same. The last two columns are the sensitivity to the class (of `all`: balanced accuracy) "
        "on the accepted and on the rejected images: where they are alike, turning the images away "
        "buys nothing. Of few rejected images they say little.",
        _table(rejects),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: pd.DataFrame) -> str:
    return markdown(list(table.columns), [[_cell(v) for v in row] for row in table.to_numpy()])


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
