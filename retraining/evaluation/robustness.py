"""How much models lose on pictures as other cameras, lights and skins would give them.

Every picture is changed in each way of `degrade.VARIANTS` and classified as it is served. What a
change costs is the class-balanced accuracy lost against the same pictures as they were.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.checkpoint.card import WEIGHTS_DIR, load_card, locate
from models.export.export import export
from models.inference.classifier import Classifier
from models.registry.taxonomy import Taxonomy
from retraining.data.splits import load_split
from retraining.files import write_text
from retraining.metrics.class_means import balanced, balanced_interval, correct_predictions
from retraining.metrics.metrics import auc, macro_auc
from retraining.reports.tables import markdown
from retraining.transforms.corruptions import VARIANTS, RGBImage

CLEAN = "as it is"
CHANGES: Mapping[str, Callable[[RGBImage], RGBImage]] = MappingProxyType(
    {CLEAN: lambda image: image, **VARIANTS}
)
PER_CLASS = 150
CHUNK = 32
INFO = ("image_id", "lesion_id", "dx", "change", "strange")
RESULT_FILE = "robustness.json"
TABLE_FILE = "changes.csv"
REPORT_FILE = "report.md"

Report = Callable[[str, int, int], None]


def study(
    models: Sequence[str],
    splits: Path,
    out: Path,
    *,
    part: str = "test",
    per_class: int = PER_CLASS,
    root: Path = WEIGHTS_DIR,
    report: Report | None = None,
) -> pd.DataFrame:
    """Measure checkpoints on at most `per_class` images of each class of a part of a split.

    Writes `changes.csv`, `robustness.json` and `report.md` to `out`; the first is returned, see
    `by_change`, with the model's name and version before. ValueError where the split has no such
    part or two models are called the same.
    """
    parts = load_split(splits)
    if part not in parts:
        raise ValueError(f"{splits} has no part {part!r}, only {', '.join(parts)}")
    frame = pd.concat(
        of_class.sample(min(len(of_class), per_class), random_state=0)
        for _, of_class in parts[part].groupby("dx", sort=True)
    )
    cards = [load_card(locate(name, root)) for name in models]
    labels = [f"{card.name} {card.version}" for card in cards]
    if len(set(labels)) < len(labels):
        raise ValueError(f"two of the models have the same name and version: {', '.join(labels)}")
    tables = []
    for name, label in zip(models, labels, strict=True):
        export(name, root=root)
        classifier = Classifier(name, root=root)
        found = by_change(measure(frame, classifier, report), classifier.card.taxonomy)
        found.insert(0, "model", label)
        tables.append(found)
    table = pd.concat(tables, ignore_index=True)
    about = {
        "split": part,
        "images": len(frame),
        "lesions": int(frame.lesion_id.nunique()),
        "by_class": {str(code): int(n) for code, n in frame.dx.value_counts().items()},
        "models": list(table.model.unique()),
    }
    write_text(out / TABLE_FILE, table.to_csv(index=False, float_format="%.4f"))
    write_text(out / RESULT_FILE, json.dumps(about, indent=2) + "\n")
    write_text(out / REPORT_FILE, text(table, about))
    return table


def measure(
    frame: pd.DataFrame, classifier: Classifier, report: Report | None = None
) -> pd.DataFrame:
    """A row per picture and change: `image_id, lesion_id, dx, change, strange`, then a probability
    per class. strange: whether the picture is taken for something else than skin."""
    codes = classifier.card.taxonomy.codes
    rows: list[tuple[Any, ...]] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(frame), CHUNK):
            chosen = frame.iloc[start : start + CHUNK]
            images = list(pool.map(lambda path: quality.read(Path(path)), chosen.path))
            for change, changed in CHANGES.items():
                predictions = classifier.predict(list(pool.map(changed, images)))
                for row, found in zip(chosen.itertuples(), predictions, strict=True):
                    strange = found.in_distribution is False
                    about = (row.image_id, row.lesion_id, row.dx, change, strange)
                    rows.append((*about, *(found.probabilities[code] for code in codes)))
            if report:
                report(classifier.card.name, min(start + CHUNK, len(frame)), len(frame))
    return pd.DataFrame(rows, columns=[*INFO, *codes])


def by_change(table: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """A row per change, the unchanged pictures first and the mean over the changes last.

    Columns: `change, balanced_accuracy`; `lost`, of it against the unchanged pictures, with its
    95 % interval over lesions (paired: the same lesions are drawn for both) `lost_low, lost_high`;
    `macro_auc, malignant_auc`; `same`, the share of pictures whose most probable class stays, all
    classes weighing the same; `strange`, the share taken for something else than skin.
    """
    codes = list(taxonomy.codes)
    groups = {change: group.reset_index() for change, group in table.groupby("change", sort=False)}
    clean = groups[CLEAN]
    labels, before = correct_predictions(clean, codes)
    bad = clean.dx.isin(taxonomy.malignant).to_numpy()
    rows = []
    for change, group in groups.items():
        _, after = correct_predictions(group, codes)
        lost = before.astype(float) - after.astype(float)
        low, high = balanced_interval(labels, lost, clean.lesion_id)
        probabilities = group[codes].to_numpy()
        rows.append(
            {
                "change": change,
                "balanced_accuracy": balanced(labels, after.astype(float)),
                "lost": balanced(labels, lost),
                "lost_low": low,
                "lost_high": high,
                "macro_auc": macro_auc(labels, probabilities),
                "malignant_auc": auc(bad, _malignant(group, taxonomy)),
                "same": balanced(labels, _same(clean, group, codes)),
                "strange": float(group.strange.mean()),
            }
        )
    found = pd.DataFrame(rows)
    numbers = found[found.change != CLEAN].drop(columns=["change", "lost_low", "lost_high"])
    mean = {"change": "mean of the changes", **numbers.mean().to_dict()}
    mean["lost_low"], mean["lost_high"] = _mean_interval(groups, labels, before, codes)
    return pd.concat([found, pd.DataFrame([mean])], ignore_index=True)


def _malignant(group: pd.DataFrame, taxonomy: Taxonomy) -> NDArray[np.float64]:
    return np.asarray(group[sorted(taxonomy.malignant)].sum(axis=1), np.float64)


def _same(clean: pd.DataFrame, group: pd.DataFrame, codes: list[str]) -> NDArray[np.float64]:
    first, second = (one[codes].to_numpy().argmax(axis=1) for one in (clean, group))
    return np.asarray(first == second, np.float64)


def _mean_interval(
    groups: Mapping[Any, pd.DataFrame],
    labels: NDArray[np.int64],
    before: NDArray[np.bool_],
    codes: list[str],
) -> tuple[float | None, float | None]:
    """Of the mean loss over the changes, the same lesions drawn for all."""
    changed = [
        correct_predictions(group, codes)[1] for change, group in groups.items() if change != CLEAN
    ]
    lost = before.astype(float) - np.mean(changed, axis=0)
    return balanced_interval(labels, lost, groups[CLEAN].lesion_id)


def text(table: pd.DataFrame, about: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    counts = ", ".join(f"{code} {n}" for code, n in sorted(about["by_class"].items()))
    parts = [
        "# Pictures from elsewhere, imitated",
        f"{about['images']} {about['split']} images of {about['lesions']} lesions ({counts}), "
        "changed in ways in which other cameras, lights and skins would change them "
        "(`retraining/transforms/corruptions.py`), and classified as they are served. `lost` is "
        "the class-balanced accuracy lost against the same images as they are, with its 95 % "
        "interval over lesions; `same` the share that keeps its most probable class, all classes "
        "weighing the same; `strange` the share taken for something else than skin, which gets no "
        "advice. "
        "A model that was trained with `augmentation.corruptions` has met hair, vignettes, "
        "illumination gradients, blur, noise and compression of this making, drawn at random, and "
        "brightness and colours; the ruler it has not.",
    ]
    for model, own in table.groupby("model", sort=False):
        rows = [
            [
                row["change"],
                f"{row['balanced_accuracy']:.3f}",
                _lost(row),
                *(f"{row[name]:.3f}" for name in ("macro_auc", "malignant_auc", "same")),
                f"{row['strange']:.1%}",
            ]
            for row in own.to_dict("records")
        ]
        header = ["change", "balanced accuracy", "lost", "macro AUC", "malignant AUC", "same",
                  "strange"]  # fmt: skip
        parts += [f"## {model}", markdown(header, rows).rstrip()]
    return "\n\n".join(parts) + "\n"


def _lost(row: Mapping[Any, Any]) -> str:
    if row["change"] == CLEAN:
        return ""
    if row["lost_low"] is None or not np.isfinite(row["lost_low"]):
        return f"{row['lost']:.3f}"
    return f"{row['lost']:.3f} ({row['lost_low']:.3f} to {row['lost_high']:.3f})"
