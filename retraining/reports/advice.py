"""The report on advice: operating points, OOD thresholds and orientation of checkpoints as served.

All but orientation is on the checkpoints' cards and evaluations already; this lays it side by side.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.checkpoint.card import WEIGHTS_DIR, load_card, locate
from models.checkpoint.evaluation import load_evaluation
from quality.output import write_text
from retraining.data.splits import load_split
from retraining.evaluation.answers import ServedModel
from retraining.evaluation.orientation import measure_orientation
from retraining.markdown import markdown_table
from retraining.progress import NamedProgressCallback

REPORT_FILE = "report.md"
TURNED = 200  # images of test that every remedy is measured on
Rows = list[dict[str, Any]]


def write_advice_report(
    names: Sequence[str],
    splits: Path,
    out: Path,
    *,
    root: Path = WEIGHTS_DIR,
    cache: Path | None = None,
    turned: int = TURNED,
    progress: NamedProgressCallback | None = None,
) -> None:
    """Write `points.csv`, `ood.csv`, `orientation.csv` and `report.md` into `out`.

    turned: so many images of test are answered in all eight symmetries, the same for all
        checkpoints; what is served is measured on all of test.
    Raises ValueError for a checkpoint whose points or OOD thresholds were not measured.
    """
    test = load_split(splits)["test"]
    some = test.sample(min(len(test), turned), random_state=0).reset_index(drop=True)
    points: Rows = []
    ood: Rows = []
    orientation: Rows = []
    for name in names:
        folder = locate(name, root)
        card, evaluation = load_card(folder), load_evaluation(folder)
        if not card.operating_points or "test" not in card.operating_points[0]:
            raise ValueError(f"{name} has no measured operating points; refresh its card first")
        if not evaluation.ood or "sources" not in evaluation.ood:
            raise ValueError(f"{name} has no measured OOD thresholds; run `ood` on it first")
        points += points_of(name, card.operating_points, evaluation.sources)
        ood += ood_of(name, evaluation.ood)
        model = ServedModel(folder, cache, progress)
        orientation += [{"model": name} | row for row in measure_orientation(model, test, some)]
    for file, rows in (("points", points), ("ood", ood), ("orientation", orientation)):
        write_text(out / f"{file}.csv", _csv(rows))
    write_text(out / REPORT_FILE, report(points, ood, orientation))


def points_of(
    name: str, points: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]]
) -> Rows:
    """A row for each operating point and each set of pictures that it was measured on."""
    rows: Rows = []
    for place, point in enumerate(points):
        elsewhere = [(one["source"], one["points"][place]) for one in sources]
        for where, measured in [("test", point["test"]), *elsewhere]:
            rows.append(
                {
                    "model": name,
                    "target": point["target_sensitivity"],
                    "threshold": point["threshold"],
                    "lesions": point.get("lesions"),
                    "lower": point.get("lower"),
                    "supported": point.get("supported"),
                    "pictures": where,
                    **{
                        key: measured.get(key)
                        for key in (
                            "n", "n_malignant", "sensitivity", "sensitivity_low",
                            "sensitivity_high", "specificity", "specificity_low",
                            "specificity_high", "n_histology", "specificity_histology",
                        )
                    },
                    "cleared_of_100": 100 * (1 - measured["sensitivity"]),
                }
            )  # fmt: skip
    return rows


def ood_of(name: str, ood: Mapping[str, Any]) -> Rows:
    """A row for each source and each kind of picture that is not dermatoscopic."""
    rows: Rows = [
        {
            "model": name,
            "pictures": one["source"],
            "n": one["n"],
            **{
                key + ending: one[key][part]
                for key in ("flagged", "far")
                for ending, part in (("", "value"), ("_low", "low"), ("_high", "high"))
            },
            "n_malignant": one["n_malignant"],
            "far_malignant": one["far_malignant"],
        }
        for one in ood["sources"]
    ]
    empty = dict.fromkeys(rows[0])
    for one in ood["kinds"]:
        kind = f"not dermatoscopic: {one['kind']}"
        shares = {"n": one["views"], "flagged": one["flagged"], "far": one["far"]}
        rows.append(empty | {"model": name, "pictures": kind} | shares)
    return rows


def report(points: Rows, ood: Rows, orientation: Rows) -> str:
    """The Markdown page of the three tables."""
    parts = [
        "# Advice",
        "What the advice of the shipped models rests on, in the form that is served. Intervals are "
        "95 %, over lesions.",
        "## Operating points",
        "A consultation is advised from the threshold on, and where a malignant class is the most "
        "likely. Each threshold is the highest whose one-sided 95 % lower bound of the "
        "sensitivity reaches the target, over the malignant lesions of val, degraded and turned "
        "copies of them, and the part `choose` of the other sources. The figures are of test "
        "and of the sources' part `external`, which had no part in it. `cleared`: of 100 images of "
        "malignant lesions, so many are told that no appointment is needed.",
        _points_table(points),
        _unsupported(points),
        "## Pictures unlike the training pictures",
        "Above the near threshold nobody is cleared; above the far one nothing is said. Both are "
        "chosen on val and the sources' part `choose`. Photographs and scans are those that come "
        "with scikit-image, several views of each; none of them was learnt from. Close-up "
        "photographs of skin without a dermatoscope could not be had and are untested.",
        _ood_table(ood),
        "## Turned and mirrored pictures",
        "Shares of test images whose verdict is not the same for all eight symmetries of a square, "
        "and of those that a symmetry takes out of a consultation, by what is done against it. "
        "`upright` is what is served, measured on all of test: a picture is first brought to the "
        "one of its eight copies that its pixels point to (`models/inference/views.py`), and the "
        "share is of the images whose eight copies do not give the same input to the last bit. The "
        "last row has copies turned by a quarter and saved again.",
        _orientation_table(orientation),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _points_table(points: Rows) -> str:
    head = ["model", "target", "threshold", "lower bound (lesions)", "pictures", "n (malignant)",
            "sensitivity", "specificity", "specificity, histology", "cleared of 100"]  # fmt: skip
    rows = [
        [
            row["model"],
            f"{row['target']:.2f}",
            f"{row['threshold']:.3f}",
            f"{row['lower']:.3f} ({row['lesions']})",
            row["pictures"],
            f"{row['n']:,} ({row['n_malignant']:,})",
            _spread(row, "sensitivity"),
            _spread(row, "specificity"),
            "–"
            if row["specificity_histology"] is None
            else f"{row['specificity_histology']:.3f} ({row['n_histology']:,})",
            f"{row['cleared_of_100']:.1f}",
        ]
        for row in points
    ]
    return markdown_table(head, rows)


def _unsupported(points: Rows) -> str:
    found = {
        f"{row['target']:.2f} of {row['model']}" for row in points if row["supported"] is False
    }
    if not found:
        return "There are malignant lesions enough to support every target."
    return f"Too few malignant lesions to support the target {', '.join(sorted(found))}."


def _ood_table(ood: Rows) -> str:
    head = ["model", "pictures", "n", "above near", "above far", "malignant above far"]
    rows = [
        [
            row["model"],
            row["pictures"],
            f"{row['n']:,}",
            _share(row, "flagged"),
            _share(row, "far"),
            "–"
            if row["far_malignant"] is None
            else f"{row['far_malignant']} of {row['n_malignant']}",
        ]
        for row in ood
    ]
    return markdown_table(head, rows)


def _orientation_table(orientation: Rows) -> str:
    head = ["model", "remedy", "views computed", "n", "verdict changes", "leaves consultation"]
    rows = [
        [
            row["model"],
            row["remedy"],
            str(row["views"]),
            str(row["n"]),
            f"{row['changed']:.1%}",
            f"{row['from_consultation']:.1%}",
        ]
        for row in orientation
    ]
    return markdown_table(head, rows)


def _spread(row: Mapping[str, Any], key: str) -> str:
    if row[f"{key}_low"] is None:
        return f"{row[key]:.3f}"
    return f"{row[key]:.3f} ({row[f'{key}_low']:.3f} to {row[f'{key}_high']:.3f})"


def _share(row: Mapping[str, Any], key: str) -> str:
    if row[f"{key}_low"] is None:
        return f"{row[key]:.1%}"
    return f"{row[key]:.1%} ({row[f'{key}_low']:.1%} to {row[f'{key}_high']:.1%})"


def _csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    return text.getvalue()
