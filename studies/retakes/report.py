"""The report of the study: percentiles with intervals over lesions, in tables and in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quality.output import write_text
from retraining.markdown import markdown_table
from retraining.metrics.bootstrap import (
    RESAMPLES,
    Metrics,
    Values,
    interval,
    lesion_weights,
    with_intervals,
)
from studies.retakes.study import Retakes

PERCENTILES = (5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 97.5, 99)
SHOWN = (50, 75, 90, 95, 99)
# What the page holds a change against: lesions that the model did not learn from.
UNSEEN = "test and val"
MEASURES = {
    "area": ("area", "factor between the areas, less 1"),
    "area_by_skin": ("area, laid by the skin", "the same, where the skin around decided"),
    "colour": ("colour", "CIEDE2000"),
    "p_malignant": ("malignant probability", "absolute difference"),
}


def write_report(found: Retakes, out: Path) -> None:
    """Write `percentiles.csv`, `counts.csv` and `report.md`."""
    groups = {
        name: (_of(found.pictures, splits), _of(found.pairs, splits))
        for name, splits in (
            (UNSEEN, ("test", "val")),
            ("test", ("test",)),
            ("val", ("val",)),
            ("train", ("train",)),
        )
    }
    there = {name: both for name, both in groups.items() if len(both[1])}
    counts = pd.DataFrame(
        [row for name, (pictures, pairs) in there.items() for row in _counts(name, pictures, pairs)]
    )
    table = pd.DataFrame(
        [row for name, (_, pairs) in there.items() for row in _percentiles(name, pairs)]
    )
    table.insert(0, "model", found.model)
    table.insert(1, "version", found.version)
    write_text(out / "counts.csv", counts.to_csv(index=False, float_format="%.4f"))
    write_text(out / "percentiles.csv", table.to_csv(index=False, float_format="%.4f"))
    write_text(out / "report.md", _words(found, counts, table))


def _of(rows: pd.DataFrame, splits: tuple[str, ...]) -> pd.DataFrame:
    return rows[rows["split"].isin(splits)]


def _counts(name: str, pictures: pd.DataFrame, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """Shares and means with their intervals over lesions."""
    registered = pairs[pairs.registered]
    kinds = [
        ("pictures outlined", pictures, "outlined"),
        ("Dice of an outline", pictures, "dice"),
        ("IoU of an outline", pictures, "iou"),
        ("pairs registered", pairs, "registered"),
        ("of them by the skin", registered.assign(skin=registered.by == "skin"), "skin"),
        ("pairs with another verdict", pairs, "verdict"),
    ]
    rows = []
    for what, frame, column in kinds:
        some = frame.dropna(subset=[column]) if column in frame else frame.head(0)
        if some.empty:
            continue
        values, lesions = some[column].to_numpy(float), some.lesion_id.to_numpy(object)
        found = with_intervals(_mean(values), lesion_weights(lesions, RESAMPLES))["mean"]
        count = {"lesions": len(set(lesions)), "n": len(values)}
        rows.append({"group": name, "what": what} | count | found)
    return rows


def _mean(values: Values) -> Metrics:
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def _percentiles(name: str, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for measure in MEASURES:
        column = "area" if measure == "area_by_skin" else measure
        some = pairs[pairs.by == "skin"] if measure == "area_by_skin" else pairs
        some = some.dropna(subset=[column])
        if some.empty:
            continue
        values, lesions = some[column].to_numpy(float), some.lesion_id.to_numpy(object)
        at = _quantiles(values)
        samples = at(lesion_weights(lesions, RESAMPLES))
        whole = at(np.ones((1, len(values))))[0]
        for place, percentile in enumerate(PERCENTILES):
            low, high = interval(samples[:, place])
            rows.append(
                {
                    "group": name,
                    "measure": measure,
                    "lesions": len(set(lesions)),
                    "pairs": len(values),
                    "percentile": percentile,
                    "value": whole[place],
                    "low": low,
                    "high": high,
                }
            )
    return rows


def _quantiles(values: Values) -> Callable[[Values], Values]:
    """Percentiles of weighted values: of weights (R, N), (R, P)."""
    order = np.argsort(values)
    ordered = values[order]

    def at(weights: Values) -> Values:
        below = np.cumsum(weights[:, order], axis=1)
        shares = np.array(PERCENTILES) / 100
        places = [np.searchsorted(row, shares * row[-1]) for row in below]
        return np.asarray(ordered[np.minimum(np.array(places), len(values) - 1)])

    return at


def _words(found: Retakes, counts: pd.DataFrame, table: pd.DataFrame) -> str:
    parts = [
        "# What differs between pictures of an unchanged lesion\n",
        f"Lesions of HAM10000 that have several pictures, taken before they were excised or "
        f"otherwise decided: neighbours in the list of a lesion's pictures are a pair. Written by "
        f"`python -m studies.retakes` with `{found.model}`, version {found.version}, which learnt "
        f"from the lesions of train. Intervals are 95 %, over lesions.\n",
        "Many of these pairs were taken at another magnification or with another camera, so "
        "retakes with one dermatoscope differ less. How much time lay between the pictures is not "
        "known.\n",
        "## Outlines and registrations\n",
        markdown_table(
            ["lesions of", "what", "n", "value", "95 % interval"],
            [
                [
                    str(row.group),
                    str(row.what),
                    f"{row.n:,}",
                    f"{row.value:.3f}",
                    f"{row.low:.3f} to {row.high:.3f}",
                ]
                for row in counts.itertuples()
            ],
        ),
        "Dice and IoU are of the pictures in which an outline was found to be trusted, against the "
        "masks of HAM10000. The rules of trust were chosen on pictures of train.\n",
    ]
    for measure, (title, unit) in MEASURES.items():
        of = table[table.measure == measure]
        rows = []
        for group, some in of.groupby("group", sort=False):
            shown = some.set_index("percentile").loc[list(SHOWN)]
            rows.append(
                [str(group), f"{some.lesions.iloc[0]:,}", f"{some.pairs.iloc[0]:,}"]
                + [
                    f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
                    for one in shown.itertuples()
                ]
            )
        head = ["lesions of", "lesions", "pairs", *(f"{one} of 100" for one in SHOWN)]
        parts += [f"## {title[0].upper()}{title[1:]} ({unit})\n", markdown_table(head, rows)]
    return "\n".join(parts)
