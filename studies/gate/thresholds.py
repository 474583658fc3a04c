"""What degradations cost, which thresholds follow from it, and what those do to other images."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from quality import Thresholds
from retraining.metrics.class_means import (
    balanced,
    balanced_interval,
    balanced_or_nan,
    correct_predictions,
)
from retraining.metrics.metrics import auc, macro_auc
from studies.gate.degradations import undegraded

LOSS = 0.03
"""Balanced accuracy that may be lost before a retake is worth it."""
FALSE_REJECTS = 0.05
"""Share of the images without degradation that a threshold may reject; all classes weigh the same.

A condition since a study without it found a gamma of 0.2, which rejected 35 % of test: an image
that is pale because the lesion is pale is as pale the next time.
"""
SHARPNESS_EDGES = np.geomspace(0.5, 2048, 25)  # factors of 2^(1/2)
GAMMA_EDGES = np.arange(0, 0.51, 0.02)
MEASURE_AND_EDGES = {
    "blur": ("sharpness", SHARPNESS_EDGES),
    "contrast": ("gamma", GAMMA_EDGES),
}
MIN_IN_BIN = 100  # images


def by_level(table: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Accuracy at each step: `kind, level, n, balanced_accuracy` with its 95 % interval over
    lesions, `macro_auc, malignant_auc`, median `sharpness` and `gamma`.

    table: of `degradations.measure`; codes: the classes, columns of probabilities.
    """
    malignant = [code for code in ("akiec", "bcc", "mel") if code in codes]
    blur = [*table[table.kind == "blur"].groupby("level", sort=True)]
    contrast = [*table[table.kind == "contrast"].groupby("level", sort=True)][::-1]
    rows = []
    for kind, groups in (("blur", blur), ("contrast", [(1.0, undegraded(table)), *contrast])):
        for level, group in groups:
            labels, correct = correct_predictions(group, codes)
            low, high = balanced_interval(labels, correct.astype(float), group.lesion_id)
            probabilities = group[list(codes)].to_numpy()
            p_malignant = group[malignant].sum(axis=1).to_numpy()
            rows.append(
                {
                    "kind": kind,
                    "level": level,
                    "n": len(group),
                    "balanced_accuracy": balanced(labels, correct.astype(float)),
                    "balanced_accuracy_low": low,
                    "balanced_accuracy_high": high,
                    "macro_auc": macro_auc(labels, probabilities),
                    "malignant_auc": auc(group.dx.isin(malignant).to_numpy(), p_malignant),
                    "sharpness": float(group.sharpness.median()),
                    "gamma": float(group.gamma.median()),
                }
            )
    return pd.DataFrame(rows)


def distribution(table: pd.DataFrame) -> pd.DataFrame:
    """How the images without degradation are spread: `measure, low, high` (of the bin), `n`."""
    plain = undegraded(table)
    rows = []
    for measure, edges in MEASURE_AND_EDGES.values():
        counts, _ = np.histogram(plain[measure], edges)
        filled = np.flatnonzero(counts)
        for place in range(filled[0], filled[-1] + 1):
            low, high = edges[place], edges[place + 1]
            rows.append({"measure": measure, "low": low, "high": high, "n": int(counts[place])})
    return pd.DataFrame(rows)


def losses(table: pd.DataFrame, kind: str, codes: Sequence[str]) -> pd.DataFrame:
    """Accuracy lost by the measured value: `low, high` (of the bin), `n, loss` and its interval.

    The measure is sharpness for blur and gamma for contrast; bins with fewer than `MIN_IN_BIN`
    degraded images are left out.
    """
    measure, edges = MEASURE_AND_EDGES[kind]
    clean = undegraded(table).set_index("image_id")
    degraded = table[(table.kind == kind) & ~((table.kind == "blur") & (table.level == 0))]
    labels, after = correct_predictions(degraded, codes)
    _, before = correct_predictions(clean.loc[degraded.image_id], codes)
    lost = before.astype(float) - after.astype(float)
    values = degraded[measure].to_numpy()
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.sum() < MIN_IN_BIN:
            continue
        lower, upper = balanced_interval(labels[inside], lost[inside], degraded.lesion_id[inside])
        rows.append(
            {
                "low": float(low),
                "high": float(high),
                "n": int(inside.sum()),
                "loss": balanced(labels[inside], lost[inside]),
                "loss_low": lower,
                "loss_high": upper,
            }
        )
    return pd.DataFrame(rows, columns=["low", "high", "n", "loss", "loss_low", "loss_high"])


def recommended(lost: pd.DataFrame, values: pd.Series, classes: pd.Series) -> float:
    """The value below which a retake is worth it.

    The largest upper edge of the bins of `lost`, counted from the poorest, so that every bin below
    it loses `LOSS` or more with an interval above 0, and that of the images without degradation,
    whose measure is `values` and whose classes `classes`, at most `FALSE_REJECTS` lie below it,
    all classes weighing the same. 0 where there is none.
    """
    threshold = 0.0
    for row in lost.to_dict("records"):
        edge = float(row["high"])
        rejected = float((values < edge).groupby(classes).mean().mean())
        unsure = row["loss_low"] is None or float(row["loss_low"]) <= 0
        if float(row["loss"]) < LOSS or unsure or rejected > FALSE_REJECTS:
            break
        threshold = edge
    return threshold


def false_rejects(
    table: pd.DataFrame, gates: Mapping[str, Thresholds], codes: Sequence[str]
) -> pd.DataFrame:
    """Of images without degradation, the shares that each gate rejects, and what that buys.

    gates: thresholds by name. A row per gate and class, and one for `all`, in
    which all classes weigh the same: `n, n_rejected`, the shares `rejected` (with its interval),
    `by_sharpness` and `by_gamma`, and the sensitivity (of `all`: balanced accuracy) on the accepted
    and on the rejected, nan where there are none.
    """
    clean = undegraded(table)
    labels, correct = correct_predictions(clean, codes)
    rows = []
    for name, thresholds in gates.items():
        blurry = (clean.sharpness < thresholds.min_laplacian).to_numpy()
        pale = (clean.gamma < thresholds.min_gamma).to_numpy()
        out = blurry | pale
        for code in [*(c for c in codes if (clean.dx == c).any()), "all"]:
            of_class = np.ones(len(clean), bool) if code == "all" else (clean.dx == code).to_numpy()
            own = labels[of_class]
            low, high = balanced_interval(
                own, out[of_class].astype(float), clean.lesion_id[of_class]
            )
            rows.append(
                {
                    "gate": name,
                    "class": code,
                    "n": int(of_class.sum()),
                    "n_rejected": int(out[of_class].sum()),
                    "rejected": balanced(own, out[of_class].astype(float)),
                    "rejected_low": low,
                    "rejected_high": high,
                    "by_sharpness": balanced(own, blurry[of_class].astype(float)),
                    "by_gamma": balanced(own, pale[of_class].astype(float)),
                    "sensitivity_of_accepted": balanced_or_nan(labels, correct, of_class & ~out),
                    "sensitivity_of_rejected": balanced_or_nan(labels, correct, of_class & out),
                }
            )
    return pd.DataFrame(rows)
