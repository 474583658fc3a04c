"""How good the served models are on a table of images, plain, with views averaged, in 8 bits.

`python benchmarks/accuracy.py SPLIT.csv [--model NAME]... [--forms plain,tta4,tta8,int8] [--n N]
[--out FILE.md]`; the table has the columns `path`, `dx` and, for intervals, `lesion_id`. Prints,
for each model and form: balanced accuracy, macro AUC and malignant AUC with 95 % intervals over
lesions, the gain in balanced accuracy over the first form on the same lesions drawn, the
calibration error (15 bins, classes weighing the same), the share that is flagged as OOD, of these
images and of photographs and scans of other things (`retraining.evaluation.not_dermoscopic`), and
images per second with pictures decoded beforehand.
`int8` needs `python -m models export NAME --int8 --calibration TRAIN.csv` first and is left out
where that has not been run. `--n` takes at most so many images of each class, `--out` writes
Markdown.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import quality  # noqa: E402
from models.checkpoint.card import WEIGHTS_DIR, available  # noqa: E402
from models.export.export import export  # noqa: E402
from models.inference.classifier import Classifier, ModelNotReady  # noqa: E402
from quality.output import write_text  # noqa: E402
from retraining.evaluation.not_dermoscopic import not_dermoscopic_images  # noqa: E402
from retraining.markdown import markdown_table  # noqa: E402
from retraining.metrics.bootstrap import interval, lesion_weights  # noqa: E402
from retraining.metrics.metrics import (  # noqa: E402
    auc,
    balanced_accuracy,
    balanced_sample_weights,
    macro_auc,
    probability_metrics,
)

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tta2": {"tta": 2},
    "tta4": {"tta": 4},
    "tta8": {"tta": 8},
    "int8": {"precision": "int8"},
}
NOTE = (
    "Made by `benchmarks/accuracy.py`. 95% intervals over lesions. tta4: mirrored views averaged; "
    "tta8: all eight symmetries of a square, as `--tta` and `TTA=1` take them; int8: 8-bit "
    "integers. gain: balanced accuracy less that of plain, on the same lesions drawn. flagged as "
    "OOD: images of the table; others flagged: {others} views of photographs and scans. Images a "
    f"second with pictures decoded beforehand, in batches, {os.cpu_count()} cores."
)
CHUNK = 64


def predictions(classifier: Classifier, paths: list[Path]) -> tuple[Any, float, float]:
    """Probabilities (N, C), the share flagged as OOD, and images per second."""
    rows, flagged, seconds = [], [], 0.0
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            pictures = list(pool.map(quality.read, paths[start : start + CHUNK]))
            begun = time.perf_counter()
            found = classifier.predict(pictures)
            seconds += time.perf_counter() - begun
            rows += [list(one.probabilities.values()) for one in found]
            flagged += [one.in_distribution is False for one in found]
    return np.array(rows), float(np.mean(flagged)), len(paths) / seconds


def share_flagged(classifier: Classifier, others: list[Any]) -> float:
    """The share of images of other things that are flagged as OOD."""
    chunks = [others[start : start + CHUNK] for start in range(0, len(others), CHUNK)]
    found = [one.in_distribution is False for some in chunks for one in classifier.predict(some)]
    return float(np.mean(found))


def scores(
    frame: pd.DataFrame, classifier: Classifier, probabilities: Any, plain: Any
) -> dict[str, str]:
    """The metrics of a table's row, as text; `plain` are the probabilities to compare with."""
    taxonomy = classifier.card.taxonomy
    labels = np.array([taxonomy.index(code) for code in frame.dx])
    bad = list(taxonomy.malignant_indices)
    predicted = probabilities.argmax(axis=1)
    lesions = frame.get("lesion_id", frame.path).to_numpy(object)

    before = plain.argmax(axis=1)

    def balanced(rows: Any) -> float:
        return balanced_accuracy(labels[rows], predicted[rows], len(taxonomy))

    def gain(rows: Any) -> float:
        return balanced(rows) - balanced_accuracy(labels[rows], before[rows], len(taxonomy))

    def areas(rows: Any) -> float:
        return macro_auc(labels[rows], probabilities[rows])

    def malignant(rows: Any) -> float:
        p = probabilities[rows][:, bad].sum(axis=1)
        return auc(np.isin(labels[rows], bad), p)

    everything = np.arange(len(labels))
    drawn = lesion_weights(lesions, 200).astype(int)
    found = {}
    for name, metric in (
        ("balanced accuracy", balanced),
        ("gain", gain),
        ("macro AUC", areas),
        ("malignant AUC", malignant),
    ):
        values = np.array([metric(np.repeat(everything, counts)) for counts in drawn])
        low, high = interval(values)
        found[name] = f"{metric(everything):.4f} ({low:.3f} to {high:.3f})"
    weights = balanced_sample_weights(labels, len(taxonomy))[np.newaxis]
    error = float(probability_metrics(labels, probabilities, weights)["ece_15"][0])
    return found | {"ECE": f"{error:.4f}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--model", action="append", help="default: every checkpoint that is there")
    parser.add_argument("--forms", default="plain,tta4,tta8,int8")
    parser.add_argument("--n", type=int, help="images of each class at most")
    parser.add_argument("--root", type=Path, default=WEIGHTS_DIR)
    parser.add_argument("--out", type=Path, help="a Markdown file for the table")
    options = parser.parse_args()
    forms = options.forms.split(",")
    unknown = [form for form in forms if form not in FORMS]
    if unknown:
        parser.error(f"--forms: {unknown[0]!r} is none of {', '.join(FORMS)}")
    frame = pd.read_csv(options.table)
    if options.n:
        frame = pd.concat(
            part.sample(min(len(part), options.n), random_state=0)
            for _, part in frame.groupby("dx", sort=True)
        )
    paths = [options.table.parent / path for path in frame.path]
    print(f"{options.table.name}: {len(frame)} images")
    others = [one.image for one in not_dermoscopic_images() if one.real]
    rows: list[dict[str, str]] = []
    for name in options.model or available(options.root):
        export(name, root=options.root)
        plain = None
        for form in forms:
            try:
                classifier = Classifier(name, root=options.root, **FORMS[form])
            except ModelNotReady as error:
                print(f"{name} {form}: left out, {error}")
                continue
            probabilities, flagged, rate = predictions(classifier, paths)
            plain = probabilities if plain is None else plain
            card = classifier.card
            row = {"model": f"{card.name} {card.version}", "form": form}
            row |= {"arithmetic": classifier.precision}
            row |= scores(frame, classifier, probabilities, plain)
            row |= {"flagged as OOD": f"{flagged:.1%}"}
            row |= {"others flagged": f"{share_flagged(classifier, others):.1%}"}
            row |= {"images/s": f"{rate:.1f}"}
            rows.append(row)
            print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if options.out and rows:
        title = (
            f"# The shipped models in each form, on {options.table.stem} ({len(frame):,} images)"
        )
        note = NOTE.format(others=len(others))
        table = markdown_table(list(rows[0]), [list(row.values()) for row in rows])
        write_text(options.out, f"{title}\n\n{note}\n\n{table}")


if __name__ == "__main__":
    main()
