"""Pictures as they were taken, made square by each rule, against their squeezed copies."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pandas as pd

import quality
from models.checkpoint.card import WEIGHTS_DIR
from models.export.export import export
from models.inference.classifier import Classifier
from models.inference.prediction import Prediction
from quality.arrays import RGBImage
from quality.output import write_text
from retraining.data.errors import DataError
from retraining.data.index import INDEX_FILE, load_index
from retraining.metrics.calibration import consults
from retraining.progress import ProgressCallback


def squeezed(image: RGBImage) -> list[RGBImage]:
    """The picture as it is: `Preprocessing.resize` squeezes it."""
    return [image]


def centre(image: RGBImage) -> list[RGBImage]:
    """The largest square in the middle."""
    return [_square(image, 0.5)]


def crops(image: RGBImage) -> list[RGBImage]:
    """The largest squares at one end, in the middle and at the other end."""
    return [_square(image, place) for place in (0, 0.5, 1)]


def padded(image: RGBImage) -> list[RGBImage]:
    """The whole picture in a square, its mirror image beside it."""
    height, width = image.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    edges = (top, side - height - top, left, side - width - left)
    return [np.asarray(cv2.copyMakeBorder(image, *edges, cv2.BORDER_REFLECT_101), np.uint8)]


RULES: Mapping[str, Callable[[RGBImage], list[RGBImage]]] = MappingProxyType(
    {"squeezed": squeezed, "centre square": centre, "padded": padded, "three crops": crops}
)


def run_study(
    originals: Path,
    copies: Path,
    models: Sequence[str],
    *,
    root: Path = WEIGHTS_DIR,
    progress: ProgressCallback | None = None,
) -> pd.DataFrame:
    """A row for each model and rule, over the pictures that both data folders have.

    Columns: `n`; of the answer against that to the copy `same_class`, `same_verdict` (shares) and
    `p_malignant_apart` (mean difference); `correct`, the share whose most probable class is right,
    and `correct_copy`.
    Raises DataError where no picture is in both.
    """
    first, second = (load_index(folder / INDEX_FILE) for folder in (originals, copies))
    both = first.merge(second, on="image_id", suffixes=("", "_copy"))
    if both.empty:
        raise DataError(f"{originals} and {copies} have no image in common")
    rows = []
    for at, name in enumerate(models):
        export(name, root=root)
        classifier = Classifier(name, root=root)
        point = classifier.card.operating_point
        threshold = 0.5 if point is None else float(point["threshold"])
        answers: dict[str, list[list[Prediction]]] = {rule: [] for rule in (*RULES, "copy")}
        for done, (path, copy) in enumerate(zip(both.path, both.path_copy, strict=True), 1):
            image = quality.read(originals / path)
            for rule, made in RULES.items():
                answers[rule].append(classifier.predict(made(image)))
            answers["copy"].append(classifier.predict([quality.read(copies / copy)]))
            if progress:
                progress(at * len(both) + done, len(models) * len(both))
        codes = np.array(classifier.card.taxonomy.codes)
        bad = list(classifier.card.taxonomy.malignant_indices)
        found = {
            rule: np.array(
                [np.mean([list(p.probabilities.values()) for p in one], axis=0) for one in each]
            )
            for rule, each in answers.items()
        }
        classes = {rule: codes[p.argmax(1)] for rule, p in found.items()}
        malignant = {rule: p[:, bad].sum(1) for rule, p in found.items()}
        verdicts = {
            rule: consults(malignant[rule], np.isin(p.argmax(1), bad), threshold)
            for rule, p in found.items()
        }
        rows += [
            {
                "model": name,
                "rule": rule,
                "n": len(both),
                "same_class": (classes[rule] == classes["copy"]).mean(),
                "same_verdict": (verdicts[rule] == verdicts["copy"]).mean(),
                "p_malignant_apart": np.abs(malignant[rule] - malignant["copy"]).mean(),
                "correct": (classes[rule] == both.dx.to_numpy()).mean(),
                "correct_copy": (classes["copy"] == both.dx.to_numpy()).mean(),
            }
            for rule in RULES
        ]
    return pd.DataFrame(rows)


def write_report(table: pd.DataFrame, out: Path) -> None:
    """Write `rules.csv` and `report.md`."""
    write_text(out / "rules.csv", table.to_csv(index=False, float_format="%.4f"))
    lines = [
        "# From a picture of any shape to a square",
        "",
        f"{table.n.iloc[0]} pictures of 600 x 450 as they were taken, made square by each rule, "
        "against the copies that were squeezed to a square, which the models learnt from. Written "
        "by `python -m studies.proportions`.",
        "",
        "| model | rule | same class | same verdict | malignant probability apart | correct | "
        "correct, copies |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.model} | {row.rule} | {row.same_class:.3f} | {row.same_verdict:.3f} | "
        f"{row.p_malignant_apart:.3f} | {row.correct:.3f} | {row.correct_copy:.3f} |"
        for row in table.itertuples()
    ]
    write_text(out / "report.md", "\n".join(lines) + "\n")


def _square(image: RGBImage, place: float) -> RGBImage:
    """The largest square, at `place` (0 to 1) along the longer side."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = round((height - side) * place), round((width - side) * place)
    return np.ascontiguousarray(image[top : top + side, left : left + side])
