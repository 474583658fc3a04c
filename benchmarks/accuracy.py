"""How good the served models are on a table of images, plain, with views averaged, in 8 bits.

`python benchmarks/accuracy.py SPLIT.csv [--model NAME]... [--forms plain,tta4,tta8,int8] [--n N]`;
the table has the columns `path`, `dx` and, for intervals, `lesion_id`. Prints, for each model and
form: balanced accuracy, macro AUC and malignant AUC with 95 % intervals over lesions, the
calibration error (15 bins, classes weighing the same), the share that is taken for something else
than a dermatoscopic image, and images per second with pictures decoded beforehand. `int8` needs
`python -m models export NAME --int8 --calibration TRAIN.csv` first and is left out where that has
not been run. `--n` takes at most so many images of each class.
"""

import argparse
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
from models.checkpoints import WEIGHTS_DIR, available  # noqa: E402
from models.classifier import Classifier, ModelNotReady  # noqa: E402
from models.export import export  # noqa: E402
from retraining.metrics import (  # noqa: E402
    auc,
    balanced_accuracy,
    class_weights,
    macro_auc,
    probability_metrics,
)
from retraining.resampling import interval, lesion_weights  # noqa: E402

FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tta2": {"tta": 2},
    "tta4": {"tta": 4},
    "tta8": {"tta": 8},
    "int8": {"precision": "int8"},
}
CHUNK = 64


def predictions(classifier: Classifier, paths: list[Path]) -> tuple[Any, float, float]:
    """Probabilities (N, C), the share found strange, and images per second."""
    rows, strange, seconds = [], [], 0.0
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), CHUNK):
            pictures = list(pool.map(quality.read, paths[start : start + CHUNK]))
            begun = time.perf_counter()
            found = classifier.predict(pictures)
            seconds += time.perf_counter() - begun
            rows += [list(one.probabilities.values()) for one in found]
            strange += [one.in_distribution is False for one in found]
    return np.array(rows), float(np.mean(strange)), len(paths) / seconds


def scores(frame: pd.DataFrame, classifier: Classifier, probabilities: Any) -> dict[str, str]:
    """The metrics of a table's row, as text."""
    taxonomy = classifier.card.taxonomy
    labels = np.array([taxonomy.index(code) for code in frame.dx])
    bad = list(taxonomy.malignant_indices)
    predicted = probabilities.argmax(axis=1)
    lesions = frame.get("lesion_id", frame.path).to_numpy(object)

    def balanced(rows: Any) -> float:
        return balanced_accuracy(labels[rows], predicted[rows], len(taxonomy))

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
        ("macro AUC", areas),
        ("malignant AUC", malignant),
    ):
        values = np.array([metric(np.repeat(everything, counts)) for counts in drawn])
        low, high = interval(values)
        found[name] = f"{metric(everything):.4f} ({low:.3f}-{high:.3f})"
    weights = class_weights(labels, len(taxonomy))[np.newaxis]
    error = float(probability_metrics(labels, probabilities, weights)["ece_15"][0])
    return found | {"ECE": f"{error:.4f}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--model", action="append", help="default: every checkpoint that is there")
    parser.add_argument("--forms", default="plain,tta4,tta8,int8")
    parser.add_argument("--n", type=int, help="images of each class at most")
    parser.add_argument("--root", type=Path, default=WEIGHTS_DIR)
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
    for name in options.model or available(options.root):
        export(name, root=options.root)
        for form in forms:
            try:
                classifier = Classifier(name, root=options.root, **FORMS[form])
            except ModelNotReady as error:
                print(f"{name} {form}: left out, {error}")
                continue
            probabilities, strange, rate = predictions(classifier, paths)
            row = scores(frame, classifier, probabilities)
            text = ", ".join(f"{key} {value}" for key, value in row.items())
            precision = classifier.precision
            print(
                f"{name} {form} ({precision}): {text}, taken for strange {strange:.1%}, "
                f"{rate:.1f} images/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
