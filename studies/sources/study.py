"""Runs that never saw one source of the pictures, beside a run that saw all of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.checkpoint.json_files import read_object
from quality.output import write_text
from retraining.evaluation.evaluation_folder import load_predictions
from retraining.evaluation.scores import Predictions, metrics_of
from retraining.metrics.bootstrap import RESAMPLES, interval, resampled, with_intervals
from retraining.training.config import load_config
from retraining.training.run_folder import CONFIG_FILE, SPLIT_FILE

METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "malignant_auc": "malignant AUC",
    "auc_mel": "melanoma AUC",
    "malignant_sensitivity_at_threshold": "sensitivity at the operating point",
    "malignant_specificity_at_threshold": "specificity there",
}
LEFT_OUT, SEEN, DIFFERENCE = "left out", "seen", "difference"
TABLE_FILE, TEXT_FILE = "sources.csv", "report.md"


def compare_sources(runs: Sequence[Path], seen: Path, resamples: int = RESAMPLES) -> pd.DataFrame:
    """A row for each source, metric and group of its pictures; every run has been evaluated.

    runs: trained on splits of the scheme `source`, each without another source.
    seen: trained on a split of all sources by lesion.
    Groups: `left out`, all pictures of the source, by the run that never saw it; and on those
    among `seen`'s test pictures the same run and `seen`, with their difference. Columns: `source`,
    `images` ("all" or "test"), `run` ("left out", "seen" or "difference"), `metric`, `n`,
    `lesions`, `value`, `low`, `high`, intervals over lesions. A metric that the source's classes do
    not allow has no row. Raises ValueError for a run of another scheme, or one not evaluated.
    """
    whole = load_predictions(seen, "test")
    rows: list[dict[str, Any]] = []
    for run in runs:
        found = load_predictions(run, "test")
        source = _source(run)
        both = sorted(set(found.frame.image_id) & set(whole.frame.image_id))
        rows += _rows(source, "all", LEFT_OUT, found, _measured(found, resamples))
        if not both:
            continue
        without, with_it = _of(found, both), _of(whole, both)
        rows += _rows(source, "test", LEFT_OUT, without, _measured(without, resamples))
        rows += _rows(source, "test", SEEN, with_it, _measured(with_it, resamples))
        rows += _rows(source, "test", DIFFERENCE, without, _apart(without, with_it, resamples))
    return pd.DataFrame(rows)


def write_report(table: pd.DataFrame, out: Path, command: str) -> None:
    """Write `sources.csv` and `report.md`. command: what was typed."""
    write_text(out / TABLE_FILE, table.to_csv(index=False, float_format="%.6g"))
    lines = [
        "# A source that was left out",
        "",
        f"Written by `{command}`.",
        "",
        "A run of one recipe for each source of the pictures, trained without it and scored on it, "
        "beside a run of the same recipe that learnt from all sources. Epoch, temperature and "
        "operating point of each were chosen on its val, which has the sources that it learnt "
        "from. 95 % intervals over lesions; balanced accuracy is over the classes that the "
        "pictures have. The difference is that of the two runs on the same pictures, those of the "
        "source in the test split by lesion: negative where leaving the source out costs.",
    ]
    for source, some in table.groupby("source", sort=True):
        counts = some.groupby("images").n.first()
        counted = f"n = {counts['all']:,}; in test {counts.get('test', 0):,}"
        lines += ["", f"## {source} ({counted})", ""]
        lines.append("| metric | left out, all | left out, test | seen, test | difference |")
        lines.append("|---|---|---|---|---|")
        for metric, label in METRICS.items():
            these = some[some.metric == metric]
            cells = [
                _cell(these[(these.images == images) & (these.run == run)])
                for images, run in (
                    ("all", LEFT_OUT),
                    ("test", LEFT_OUT),
                    ("test", SEEN),
                    ("test", DIFFERENCE),
                )
            ]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    write_text(out / TEXT_FILE, "\n".join(lines) + "\n")


def _source(run: Path) -> str:
    split = read_object(Path(load_config(run / CONFIG_FILE).splits) / SPLIT_FILE)
    if split.get("scheme") != "source":
        raise ValueError(
            f"{run} was trained on a split of the scheme {split.get('scheme')!r}, which leaves no "
            "source out; one made with --scheme source is needed"
        )
    return str(split["source"])


def _of(predictions: Predictions, images: Sequence[str]) -> Predictions:
    """Those of some images, in their order."""
    places = {name: place for place, name in enumerate(predictions.frame.image_id)}
    return predictions.take(np.array([places[name] for name in images], np.intp))


def _measured(predictions: Predictions, resamples: int) -> Mapping[str, Mapping[str, Any]]:
    return with_intervals(
        lambda weights: metrics_of(predictions, weights), predictions.weights(resamples)
    )


def _apart(
    first: Predictions, second: Predictions, resamples: int
) -> Mapping[str, Mapping[str, Any]]:
    """Differences first - second of metrics on the same images."""
    weights = np.vstack([np.ones((1, len(first))), first.weights(resamples)])
    a, b = (resampled(lambda w, p=one: metrics_of(p, w), weights) for one in (first, second))  # type: ignore[misc]
    found = {}
    for name in METRICS:
        if name in a and np.isfinite(a[name][0]) and np.isfinite(b[name][0]):
            low, high = interval(a[name][1:] - b[name][1:])
            found[name] = {"value": float(a[name][0] - b[name][0]), "low": low, "high": high}
    return found


def _rows(
    source: str,
    images: str,
    run: str,
    predictions: Predictions,
    found: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    about = {"source": source, "images": images, "run": run, "n": len(predictions)}
    about["lesions"] = predictions.frame.lesion_id.nunique()
    return [about | {"metric": name, **found[name]} for name in METRICS if name in found]


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "–"
    row = rows.iloc[0]
    sign = "+" if row.run == DIFFERENCE else ""
    low, high = (f"{one:{sign}.3f}" if pd.notna(one) else "?" for one in (row.low, row.high))
    return f"{row.value:{sign}.3f} ({low} to {high})"
