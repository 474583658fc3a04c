"""Robustness: how much accuracy models lose on corrupted images.

Every image is corrupted in each way of `retraining.transforms.corruptions.VARIANTS`, which imitate
other cameras, lights and skins, and classified in the form that is served. What a corruption costs
is the balanced accuracy lost against the same images without it.
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
from quality.output import write_text
from retraining.data.splits import load_split
from retraining.markdown import markdown_table
from retraining.metrics.class_means import balanced, balanced_interval, correct_predictions
from retraining.metrics.metrics import auc, macro_auc
from retraining.progress import NamedProgressCallback
from retraining.transforms.corruptions import VARIANTS, RGBImage

CLEAN = "clean"
MEAN = "mean of the corruptions"
CORRUPTIONS: Mapping[str, Callable[[RGBImage], RGBImage]] = MappingProxyType(
    {CLEAN: lambda image: image, **VARIANTS}
)
PER_CLASS = 150
CHUNK = 32  # images that are decoded together
INFO = ("image_id", "lesion_id", "dx", "corruption", "flagged_ood")
RESULT_FILE = "robustness.json"
TABLE_FILE = "corruptions.csv"
REPORT_FILE = "report.md"


def measure_robustness(
    models: Sequence[str],
    splits: Path,
    out: Path,
    *,
    split: str = "test",
    per_class: int = PER_CLASS,
    root: Path = WEIGHTS_DIR,
    progress: NamedProgressCallback | None = None,
) -> pd.DataFrame:
    """Measure checkpoints on at most `per_class` images of each class of a split.

    models: names below `root`, or folders of checkpoints; splits: folder of the splits; split:
    which of them is classified.
    Writes `corruptions.csv`, `robustness.json` and `report.md` to `out`; the first is returned:
    see `by_corruption`, with the model's name and version before. Raises ValueError where there is
    no such split or two models have the same name and version.
    """
    frames = load_split(splits)
    if split not in frames:
        raise ValueError(f"{splits} has no split {split!r}, only {', '.join(frames)}")
    frame = pd.concat(
        of_class.sample(min(len(of_class), per_class), random_state=0)
        for _, of_class in frames[split].groupby("dx", sort=True)
    )
    cards = [load_card(locate(name, root)) for name in models]
    labels = [f"{card.name} {card.version}" for card in cards]
    if len(set(labels)) < len(labels):
        raise ValueError(f"two of the models have the same name and version: {', '.join(labels)}")
    tables = []
    for name, label in zip(models, labels, strict=True):
        export(name, root=root)
        classifier = Classifier(name, root=root)
        predicted = classify_corrupted(frame, classifier, progress)
        found = by_corruption(predicted, classifier.card.taxonomy)
        found.insert(0, "model", label)
        tables.append(found)
    table = pd.concat(tables, ignore_index=True)
    about = {
        "split": split,
        "images": len(frame),
        "lesions": int(frame.lesion_id.nunique()),
        "by_class": {str(code): int(n) for code, n in frame.dx.value_counts().items()},
        "models": list(table.model.unique()),
    }
    write_text(out / TABLE_FILE, table.to_csv(index=False, float_format="%.6f"))
    write_text(out / RESULT_FILE, json.dumps(about, indent=2) + "\n")
    write_report(out)
    return table


def classify_corrupted(
    frame: pd.DataFrame, classifier: Classifier, progress: NamedProgressCallback | None = None
) -> pd.DataFrame:
    """A row per image and corruption: the columns `INFO`, then a probability per class.

    frame: N rows with `image_id, lesion_id, dx, path`. flagged_ood: whether the image's
    out-of-distribution score is above the checkpoint's threshold.
    """
    codes = classifier.card.taxonomy.codes
    rows: list[tuple[Any, ...]] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(frame), CHUNK):
            chosen = frame.iloc[start : start + CHUNK]
            images = list(pool.map(lambda path: quality.read(Path(path)), chosen.path))
            for corruption, corrupt in CORRUPTIONS.items():
                predictions = classifier.predict(list(pool.map(corrupt, images)))
                for row, found in zip(chosen.itertuples(), predictions, strict=True):
                    flagged = found.in_distribution is False
                    about = (row.image_id, row.lesion_id, row.dx, corruption, flagged)
                    rows.append((*about, *(found.probabilities[code] for code in codes)))
            if progress:
                progress(classifier.card.name, min(start + CHUNK, len(frame)), len(frame))
    return pd.DataFrame(rows, columns=[*INFO, *codes])


def by_corruption(table: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """A row per corruption, the clean images first and the mean over the corruptions last.

    Columns: `corruption, balanced_accuracy`; `lost`, of it against the clean images, with its 95 %
    interval over lesions (paired: the same lesions are drawn for both) `lost_low, lost_high`;
    `macro_auc, malignant_auc`; `same`, the share of images whose most probable class stays, all
    classes weighing the same; `flagged_ood`, the share that is flagged as OOD. All but `lost` and
    its interval, -1 to 1, lie in 0 to 1.
    """
    codes = list(taxonomy.codes)
    groups = {name: group.reset_index() for name, group in table.groupby("corruption", sort=False)}
    clean = groups[CLEAN]
    labels, before = correct_predictions(clean, codes)
    malignant = clean.dx.isin(taxonomy.malignant).to_numpy()
    rows = []
    for corruption, group in groups.items():
        _, after = correct_predictions(group, codes)
        lost = before.astype(float) - after.astype(float)
        low, high = balanced_interval(labels, lost, clean.lesion_id)
        probabilities = group[codes].to_numpy()
        rows.append(
            {
                "corruption": corruption,
                "balanced_accuracy": balanced(labels, after.astype(float)),
                "lost": balanced(labels, lost),
                "lost_low": low,
                "lost_high": high,
                "macro_auc": macro_auc(labels, probabilities),
                "malignant_auc": auc(malignant, _p_malignant(group, taxonomy)),
                "same": balanced(labels, _same(clean, group, codes)),
                "flagged_ood": float(group.flagged_ood.mean()),
            }
        )
    found = pd.DataFrame(rows)
    text = ["corruption", "lost_low", "lost_high"]
    numbers = found[found.corruption != CLEAN].drop(columns=text)
    mean = {"corruption": MEAN, **numbers.mean().to_dict()}
    mean["lost_low"], mean["lost_high"] = _mean_interval(groups, labels, before, codes)
    return pd.concat([found, pd.DataFrame([mean])], ignore_index=True)


def write_report(out: Path) -> None:
    """Write `report.md` of the table and the JSON file that lie in `out`."""
    table = pd.read_csv(out / TABLE_FILE)
    about = json.loads((out / RESULT_FILE).read_text(encoding="utf-8"))
    write_text(out / REPORT_FILE, _report(table, about))


def _p_malignant(group: pd.DataFrame, taxonomy: Taxonomy) -> NDArray[np.float64]:
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
    """Of the mean loss over the corruptions, the same lesions drawn for all."""
    after = [
        correct_predictions(group, codes)[1] for name, group in groups.items() if name != CLEAN
    ]
    lost = before.astype(float) - np.mean(after, axis=0)
    return balanced_interval(labels, lost, groups[CLEAN].lesion_id)


def _report(table: pd.DataFrame, about: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{code} {n}" for code, n in sorted(about["by_class"].items()))
    parts = [
        "# Robustness to corruptions",
        f"{about['images']} {about['split']} images of {about['lesions']} lesions ({counts}), "
        "corrupted as other cameras, lights and skins would "
        "(`retraining/transforms/corruptions.py`) and classified in the form that is served. "
        "`lost`: balanced accuracy lost against the clean images, with its 95 % interval over "
        "lesions. `same`: share that keeps its most probable class, all classes weighing the same. "
        "`flagged as OOD`: share whose out-of-distribution score is above the threshold. "
        "A model trained with random corruptions (recipe `robust`) has met hair, vignettes, "
        "illumination gradients, blur, noise, compression, brightness and colour of this making, "
        "drawn at random; the ruler it has not.",
    ]
    head = ["corruption", "balanced accuracy", "lost", "macro AUC", "malignant AUC", "same",
            "flagged as OOD"]  # fmt: skip
    for model, own in table.groupby("model", sort=False):
        rows = [
            [
                str(row["corruption"]),
                f"{row['balanced_accuracy']:.3f}",
                _lost(row),
                *(f"{row[name]:.3f}" for name in ("macro_auc", "malignant_auc", "same")),
                f"{row['flagged_ood']:.1%}",
            ]
            for row in own.to_dict("records")
        ]
        parts += [f"## {model}", markdown_table(head, rows).rstrip()]
    return "\n\n".join(parts) + "\n"


def _lost(row: Mapping[Any, Any]) -> str:
    if row["corruption"] == CLEAN:
        return ""
    if not np.isfinite(row["lost_low"]):
        return f"{row['lost']:.3f}"
    return f"{row['lost']:.3f} ({row['lost_low']:.3f} to {row['lost_high']:.3f})"
