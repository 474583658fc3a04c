"""Does the quality gate turn the right pictures away? Pictures are made poor step by step.

Pictures are blurred and faded in known amounts, measured as the gate measures them and classified
as they are served. What a picture's quality costs is the class-balanced accuracy lost against the
same picture as it was. Thresholds are chosen on val; what they do is measured on test. A threshold
must not turn away what was pale or soft from the first: taking that again changes nothing.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from quality.contrast import gamma
from quality.resolution import is_far
from quality.sharpness import laplacian_variance
from retraining.data.splits import load_split
from retraining.metrics.class_means import (
    balanced,
    balanced_interval,
    balanced_or_nan,
    correct_predictions,
)
from retraining.metrics.metrics import auc, macro_auc
from retraining.transforms.corruptions import blurred, faded
from studies.gate.scale import BLURS, at_working_size, no_originals

CONTRASTS = (1.0, 0.8, 0.6, 0.45, 0.3, 0.2, 0.12)
"""Shares of the contrast that are left."""
LOSS = 0.03
"""Class-balanced accuracy that may be lost before a picture is worth taking again."""
FALSE_REJECTS = 0.05
"""Share of the pictures as they are that a threshold may turn away; all classes weigh the same.

A condition since a study without it found a gamma of 0.2, which turned 35 % of test away.
"""
SHARPNESS_EDGES = np.geomspace(0.5, 2048, 25)  # factors of 2^(1/2)
GAMMA_EDGES = np.arange(0, 0.51, 0.02)
MEASURE_AND_EDGES = {
    "blur": ("sharpness", SHARPNESS_EDGES),
    "contrast": ("gamma", GAMMA_EDGES),
}
MIN_IN_BIN = 100
MEASURED = ("image_id", "lesion_id", "dx", "kind", "level", "sharpness", "gamma")
CHUNK = 64

Picture = NDArray[np.uint8]
Report = Callable[[int, int], None]


def measure(
    frame: pd.DataFrame, classifier: Classifier, report: Report | None = None
) -> pd.DataFrame:
    """A row per picture and step of degradation.

    Columns: `image_id, lesion_id, dx, kind` (blur or contrast), `level, sharpness` (at the
    picture's own size), `gamma`, then a probability per class.
    """
    codes = list(classifier.card.taxonomy.codes)
    steps = [("blur", level) for level in BLURS] + [("contrast", level) for level in CONTRASTS[1:]]
    rows: list[tuple[Any, ...]] = []

    def prepare(path: str) -> list[tuple[Picture, float, float]]:
        image = quality.read(Path(path))
        made = [
            blurred(image, level) if kind == "blur" else faded(image, level)
            for kind, level in steps
        ]
        return [(one, laplacian_variance(one), gamma(one)) for one in made]

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(frame), CHUNK):
            part = frame.iloc[start : start + CHUNK]
            prepared = list(pool.map(prepare, part.path))
            logits = classifier.logits([one[0] for many in prepared for one in many])
            found = iter(classifier.probabilities(logits))
            for row, many in zip(part.itertuples(), prepared, strict=True):
                for (kind, level), (_, sharp, contrast) in zip(steps, many, strict=True):
                    about = (row.image_id, row.lesion_id, row.dx, kind, level, sharp, contrast)
                    rows.append((*about, *next(found)))
            if report:
                report(min(start + CHUNK, len(frame)), len(frame))
    return pd.DataFrame(rows, columns=[*MEASURED, *codes])


def by_level(table: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Accuracy at each step: `kind, level, n, balanced_accuracy` with its 95 % interval over
    lesions, `macro_auc, malignant_auc`, median `sharpness` and `gamma`."""
    rows = []
    groups = [*table[table.kind == "blur"].groupby("level", sort=True)]
    clean = groups[0][1]
    faded_groups = [*table[table.kind == "contrast"].groupby("level", sort=True)][::-1]
    for kind, parts in (("blur", groups), ("contrast", [(1.0, clean), *faded_groups])):
        for level, part in parts:
            labels, hit = correct_predictions(part, codes)
            low, high = balanced_interval(labels, hit.astype(float), part.lesion_id)
            probabilities = part[list(codes)].to_numpy()
            bad = [code for code in ("akiec", "bcc", "mel") if code in codes]
            p_malignant = part[bad].sum(axis=1).to_numpy()
            rows.append(
                {
                    "kind": kind,
                    "level": level,
                    "n": len(part),
                    "balanced_accuracy": balanced(labels, hit.astype(float)),
                    "balanced_accuracy_low": low,
                    "balanced_accuracy_high": high,
                    "macro_auc": macro_auc(labels, probabilities),
                    "malignant_auc": auc(part.dx.isin(bad).to_numpy(), p_malignant),
                    "sharpness": float(part.sharpness.median()),
                    "gamma": float(part.gamma.median()),
                }
            )
    return pd.DataFrame(rows)


def as_they_are(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of pictures that nothing was done to."""
    return table[(table.kind == "blur") & (table.level == 0)]


def losses(table: pd.DataFrame, kind: str, codes: Sequence[str]) -> pd.DataFrame:
    """Accuracy lost by the measured value: `low, high` (of the bin), `n, loss` and its interval.

    The measure is sharpness for blur and gamma for contrast; bins with fewer than `MIN_IN_BIN`
    degraded pictures are left out.
    """
    measure_, edges = MEASURE_AND_EDGES[kind]
    clean = as_they_are(table).set_index("image_id")
    part = table[(table.kind == kind) & ~((table.kind == "blur") & (table.level == 0))]
    labels, hit = correct_predictions(part, codes)
    _, before = correct_predictions(clean.loc[part.image_id], codes)
    lost = before.astype(float) - hit.astype(float)
    values = part[measure_].to_numpy()
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.sum() < MIN_IN_BIN:
            continue
        lower, upper = balanced_interval(labels[inside], lost[inside], part.lesion_id[inside])
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
    return pd.DataFrame(rows)


def recommended(lost: pd.DataFrame, values: pd.Series, classes: pd.Series) -> float:
    """The value below which a picture is worth taking again.

    The largest upper edge of the bins of `lost`, counted from the poorest, so that every bin below
    it loses `LOSS` or more with an interval above 0, and that of the pictures as they are, whose
    measure is `values` and whose classes `classes`, at most `FALSE_REJECTS` lie below it, all
    classes weighing the same. 0 where there is none.
    """
    threshold = 0.0
    for row in lost.to_dict("records"):
        edge = float(row["high"])
        turned_away = float((values < edge).groupby(classes).mean().mean())
        unsure = row["loss_low"] is None or float(row["loss_low"]) <= 0
        if float(row["loss"]) < LOSS or unsure or turned_away > FALSE_REJECTS:
            break
        threshold = edge
    return threshold


def false_rejects(
    table: pd.DataFrame, gates: dict[str, tuple[float, float]], codes: Sequence[str]
) -> pd.DataFrame:
    """Of pictures as they are, the shares that each gate turns away, and what they cost.

    gates: name to (sharpness, gamma) thresholds. A row per gate and class, and one for `all`, in
    which all classes weigh the same: `n, n_rejected`, the shares `rejected` (with its interval),
    `by_sharpness` and `by_gamma`, and the sensitivity (of `all`: balanced accuracy) on the accepted
    and on the rejected, nan where there are none.
    """
    clean = as_they_are(table)
    labels, hit = correct_predictions(clean, codes)
    rows = []
    for name, (least_sharp, least_gamma) in gates.items():
        blurry = (clean.sharpness < least_sharp).to_numpy()
        pale = (clean.gamma < least_gamma).to_numpy()
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
                    "sensitivity_of_accepted": balanced_or_nan(labels, hit, of_class & ~out),
                    "sensitivity_of_rejected": balanced_or_nan(labels, hit, of_class & out),
                }
            )
    return pd.DataFrame(rows)


def study(
    splits: Path,
    out: Path,
    model: str,
    *,
    originals: Path | None = None,
    per_class: int = 300,
    root: Path = WEIGHTS_DIR,
    report: Report | None = None,
) -> quality.Thresholds:
    """Measure on val and test of a split, write the report to `out`, return what it recommends.

    Raises ValueError where the split's images are smaller than the working size and there are no
    originals.
    """
    parts = load_split(splits)
    chosen = {
        name: pd.concat(
            frame.sample(min(len(frame), per_class), random_state=0)
            for _, frame in parts[name].groupby("dx", sort=True)
        )
        for name in ("val", "test")
    }
    height, width = quality.read(Path(chosen["val"].path.iloc[0])).shape[:2]
    large = list(pictures_in(originals)) if originals else []
    if is_far(width, height) and not large:
        raise ValueError(no_originals((width, height)))
    export(model, root=root)
    classifier = Classifier(model, root=root)
    tables = {name: measure(frame, classifier, report) for name, frame in chosen.items()}
    named = f"{classifier.card.name} {classifier.card.version}"
    return conclude(tables["val"], tables["test"], out, named, (width, height), large)


def conclude(
    val: pd.DataFrame,
    test: pd.DataFrame,
    out: Path,
    model: str,
    size: tuple[int, int],
    originals: Sequence[Picture],
) -> quality.Thresholds:
    """Write the report on what `measure` found on pictures of `size`; see `study`.

    val chooses the thresholds, test shows what they do.
    """
    from studies.gate.report import write_report

    codes = [column for column in val.columns if column not in MEASURED]
    val, _ = at_working_size(val, size, originals)
    test, relation = at_working_size(test, size, originals)
    kinds = ("blur", "contrast")
    lost = {kind: losses(val, kind, codes) for kind in kinds}
    plain = as_they_are(val)
    found = quality.Thresholds(
        *(
            _rounded(recommended(lost[kind], plain[MEASURE_AND_EDGES[kind][0]], plain.dx))
            for kind in kinds
        )
    )
    usual = quality.Thresholds()
    gates = {
        name: (limits.min_laplacian, limits.min_gamma)
        for name, limits in (("classic", usual), ("recommended", found))
    }
    write_report(
        out,
        model=model,
        counts={
            name: {"images": int(part.image_id.nunique()), "lesions": int(part.lesion_id.nunique())}
            for name, part in (("val", val), ("test", test))
        },
        levels=by_level(test, codes),
        losses=lost,
        confirmed={kind: losses(test, kind, codes) for kind in kinds},
        rejects=false_rejects(test, gates, codes),
        found=found,
        usual=usual,
        relation=relation,
    )
    return found


def _rounded(value: float) -> float:
    """Two significant digits: the bins are not finer."""
    return float(f"{value:.2g}")


def pictures_in(folder: Path) -> Iterator[Picture]:
    """The pictures of a folder, decoded."""
    for path in quality.find_images([folder]):
        yield quality.read(path)
