"""The study of the gate as files: tables, a figure and a text, with no image in them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from quality import Thresholds
from quality.output import write_text
from retraining.markdown import markdown_table
from studies.gate.scale import Relation
from studies.gate.thresholds import FALSE_REJECTS, LOSS

RESULT_FILE = "gate.json"
FIGURE_FILE = "figure.json"
REPORT_FILE = "report.md"
TABLES = ("levels", "losses", "false_rejects", "distribution")
MEASURES = {"blur": "sharpness at 600 x 450", "contrast": "gamma"}
RULE = (
    f"balanced accuracy lost >= {LOSS}, with an interval above 0; at most {FALSE_REJECTS} of the "
    "images without degradation are rejected by each measure"
)


@dataclass(frozen=True)
class GateReport:
    """What the study found.

    model: name and version of the checkpoint that classified.
    counts: `images` and `lesions` of `val`, which chose, and of `test`, which scored.
    recommended, classic: thresholds of the gate.
    relation: how sharpness at the working size was estimated; None: it was measured.
    levels: accuracy by step of degradation, on test; see `thresholds.by_level`.
    losses: balanced accuracy lost by measured value, on both splits; see `thresholds.losses`;
        `kind` (`blur` or `contrast`) and `split` stand beside.
    false_rejects: what the gates do to images without degradation, on test; see
        `thresholds.false_rejects`.
    distribution: how the images of test without degradation are spread; see
        `thresholds.distribution`.
    """

    model: str
    counts: Mapping[str, Mapping[str, int]]
    recommended: Thresholds
    classic: Thresholds
    relation: Relation | None
    levels: pd.DataFrame
    losses: pd.DataFrame
    false_rejects: pd.DataFrame
    distribution: pd.DataFrame

    def write(self, out: Path) -> None:
        """Write `gate.json` and the tables as CSV to `out`, then the figure and the text."""
        result = {
            "model": self.model,
            "chosen_on": {"split": "val", **self.counts["val"]},
            "scored_on": {"split": "test", **self.counts["test"]},
            "recommended": asdict(self.recommended),
            "classic": asdict(self.classic),
            "rule": RULE,
            "relation": asdict(self.relation) if self.relation else None,
        }
        write_text(out / RESULT_FILE, json.dumps(result, indent=2) + "\n")
        for name in TABLES:
            table: pd.DataFrame = getattr(self, name)
            write_text(out / f"{name}.csv", table.to_csv(index=False, float_format="%.4f"))
        render(out)

    @classmethod
    def load(cls, folder: Path) -> "GateReport":
        """Read what `write` wrote; tables have four decimals. OSError where a file is missing."""
        result = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        relation = result["relation"]
        if relation:
            relation = Relation(**relation | {"offsets": tuple(relation["offsets"])})
        return cls(
            model=result["model"],
            counts={
                result[key]["split"]: {name: result[key][name] for name in ("images", "lesions")}
                for key in ("chosen_on", "scored_on")
            },
            recommended=Thresholds(**result["recommended"]),
            classic=Thresholds(**result["classic"]),
            relation=relation,
            **{name: pd.read_csv(folder / f"{name}.csv") for name in TABLES},
        )


def render(folder: Path) -> None:
    """Write the figure (Plotly, `figure.json`) and `report.md` of the tables in `folder`."""
    report = GateReport.load(folder)
    write_text(folder / FIGURE_FILE, figure(report).to_json() + "\n")
    write_text(folder / REPORT_FILE, markdown(report))


def threshold_of(kind: str, thresholds: Thresholds) -> float:
    """The threshold of the measure that suffers from a kind of degradation."""
    return thresholds.min_laplacian if kind == "blur" else thresholds.min_gamma


def figure(report: GateReport) -> go.Figure:
    """Accuracy lost on val by the measured value, for blur and contrast, with both thresholds."""
    drawn = make_subplots(1, 2, subplot_titles=list(MEASURES.values()))
    for column, kind in enumerate(MEASURES, 1):
        table = _losses_of(report, kind, "val")
        drawn.add_scatter(
            x=((table.low + table.high) / 2).tolist(),
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
        for name, thresholds, dash in (
            ("recommended", report.recommended, "solid"),
            ("classic", report.classic, "dot"),
        ):
            drawn.add_vline(
                x=threshold_of(kind, thresholds),
                line_dash=dash,
                annotation_text=name,
                row=1,
                col=column,
            )
    drawn.update_xaxes(type="log", row=1, col=1)
    drawn.update_yaxes(title_text="balanced accuracy lost", row=1, col=1)
    drawn.add_hline(y=LOSS, line_dash="dash", opacity=0.4)
    return drawn


def markdown(report: GateReport) -> str:
    """The report as text, with every table."""
    val, test, found = report.counts["val"], report.counts["test"], report.recommended
    parts = [
        "# The quality gate, measured",
        f"{val['images']} val images of {val['lesions']} lesions and {test['images']} test images "
        f"of {test['lesions']}, classified by `{report.model}` in the form that is served, with "
        "blur and loss of contrast step by step. Recommended: sharpness "
        f"{found.min_laplacian:g} at the common working size and gamma {found.min_gamma:g} (0: no "
        "threshold), the largest values below which the same lesions of val surely lose "
        f"{LOSS:g} of balanced accuracy or more, and which reject at most {FALSE_REJECTS:.0%} of "
        "the val images without degradation, all classes weighing the same: a lesion that is pale "
        f"by itself is as pale the next time. Classic: {report.classic.min_laplacian:g} and "
        f"{report.classic.min_gamma:g}. Accuracy by step, and what the gates do to images without "
        "degradation, are of test. The losses of val are drawn in `figure.json` (Plotly).",
    ]
    if relation := report.relation:
        parts.append(
            "The images are smaller than the working size; their sharpness there is estimated "
            "from that at their own size by lines between the logarithms, one for each blur, "
            f"fitted on {relation.n} originals (common slope {relation.slope:.2f}; a factor of "
            f"{np.exp(relation.spread):.2f} is one standard deviation around them)."
        )
    parts += ["## Accuracy by step (test)", _table(report.levels)]
    for split in ("val", "test"):
        for kind, measure in MEASURES.items():
            table = _losses_of(report, kind, split).drop(columns=["kind", "split"])
            parts += [f"## Accuracy lost by {measure} ({kind}, {split})", _table(table)]
    parts += [
        "## Images without degradation: rejected, and what that buys (test)",
        "`rejected` is the share that is rejected, with its 95 % interval over lesions, "
        "`by_sharpness` and `by_gamma` what each measure rejects; in `all` every class weighs the "
        "same. The last two columns are the sensitivity to the class (of `all`: balanced accuracy) "
        "on the accepted and on the rejected images: where they are alike, rejecting buys nothing. "
        "Of few rejected images they say little.",
        _table(report.false_rejects),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _losses_of(report: GateReport, kind: str, split: str) -> pd.DataFrame:
    table = report.losses
    return table[(table.kind == kind) & (table.split == split)]


def _table(table: pd.DataFrame) -> str:
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return markdown_table(list(table.columns), rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return str(value)
