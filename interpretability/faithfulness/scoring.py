"""Scores of methods over many lesions: a row per lesion and method, kept as they come."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.attribution.target import Target, choose_target
from interpretability.attribution.task import blurred, skin
from interpretability.faithfulness import curves, stability
from interpretability.faithfulness.localisation import (
    points_inside,
    rank_correlation,
    share_inside,
)
from interpretability.faithfulness.pool import scored
from interpretability.faithfulness.randomisation import likeness
from interpretability.faithfulness.subject import CALIBRATION_PICTURES, Subject
from models.inference.views import set_upright
from quality import read
from quality.arrays import RGBImage

ROWS_FILE = "scores.csv"
AGREEMENT_FILE = "agreement.csv"
SETTINGS_FILE = "settings.json"
GRID = 32  # maps are compared on a grid of this side
FIELDS = (
    "image_id", "lesion_id", "dx", "method", "target", "probability",
    "deletion", "deletion_random", "deletion_best", "deletion_gain",
    "insertion", "insertion_random", "insertion_best", "insertion_gain",
    "infidelity", "sensitivity", "randomisation",
    "inside", "pointing", "mask_share",
)  # fmt: skip


@dataclass(frozen=True)
class Lesion:
    """One lesion of a split, by one picture of it. mask: None where the split names none."""

    image_id: str
    lesion_id: str
    dx: str
    path: Path
    mask: Path | None


def sample(split: Path, count: int, seed: int = 42) -> list[Lesion]:
    """`count` lesions of a split's CSV file, one picture each; the same ones for a seed.

    Paths in the file that are not absolute start at its folder. Raises ValueError where the file is
    no split or has fewer lesions.
    """
    try:
        with split.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{split} cannot be read: {error}") from None
    needed = {"image_id", "path", "dx", "lesion_id"}
    if not rows or not needed <= set(rows[0]):
        raise ValueError(f"{split} is no split: it needs rows with {', '.join(sorted(needed))}")
    first: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda one: one["image_id"]):
        first.setdefault(row["lesion_id"], row)
    if not 0 < count <= len(first):
        raise ValueError(f"n must be from 1 to the {len(first)} lesions of {split}, got {count}")
    names = sorted(first)
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    found = []
    for index in chosen:
        row = first[names[index]]
        mask = split.parent / row["mask"] if row.get("mask") else None
        path = split.parent / row["path"]
        found.append(Lesion(row["image_id"], row["lesion_id"], row["dx"], path, mask))
    return found


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask, 8-bit grey with the lesion bright, as (H, W) of the picture; ValueError if broken."""
    values = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if values is None:
        raise ValueError(f"the mask {path} cannot be read")
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_NEAREST) > 127)


def score_all(
    subject: Subject,
    lesions: Sequence[Lesion],
    methods: Sequence[str],
    out: Path,
    costly: int,
    done: Callable[[int], None] = lambda _count: None,
    processes: int = 1,
) -> None:
    """Score every lesion not in `out` yet, and append its rows.

    costly: sensitivity and the model-randomisation sanity check, which need maps anew, are
        measured on that many lesions, the first.
    done: told of each lesion.
    processes: that share the lesions, and the cores of the machine.
    Raises ValueError where `out` holds scores of other settings, OSError where a process died.
    """
    explainer = subject.explainer
    settings = {
        "model": explainer.card.name,
        "weights": explainer.card.weights_sha256,
        "precision": subject.precision,
        "methods": list(methods),
        "costly": costly,
    }
    out.mkdir(parents=True, exist_ok=True)
    _same_settings(out / SETTINGS_FILE, settings)
    finished = {row["image_id"] for row in read_rows(out / AGREEMENT_FILE)}
    _keep(out / ROWS_FILE, finished)
    jobs = [
        (lesion, methods, index, index < costly)
        for index, lesion in enumerate(lesions)
        if lesion.image_id not in finished
    ]
    before = len(lesions) - len(jobs)
    done(before)
    for count, (rows, agreement) in enumerate(scored(_score, subject, jobs, processes), 1):
        _append(out / ROWS_FILE, FIELDS, rows)
        _append(out / AGREEMENT_FILE, ("image_id", "first", "second", "correlation"), agreement)
        done(before + count)


def calibration(lesions: Sequence[Lesion]) -> list[RGBImage]:
    """The pictures that random networks are adapted to."""
    return [read(one.path) for one in lesions[:CALIBRATION_PICTURES]]


def _score(
    subject: Subject, lesion: Lesion, methods: Sequence[str], index: int, costly: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    explainer = subject.explainer
    image = read(lesion.path)
    picture, upright = set_upright(image)
    card = explainer.card
    square = card.preprocessing.resize(picture)
    probabilities = explainer.probabilities(picture)
    target = choose_target(None, card.taxonomy, probabilities, card.temperature)
    mask = upright.apply(read_mask(lesion.mask, image.shape[:2])) if lesion.mask else None
    maps = {name: subject.map(picture, name, target) for name in methods}
    small = {name: stability.resized(one, len(square)) for name, one in maps.items()}
    small["random"] = curves.random_map(len(square), index)
    under = {name: areas(subject, target, square, one) for name, one in small.items()}
    best = (min(a for a, _ in under.values()), max(b for _, b in under.values()))
    rows = []
    for name in methods:
        row: dict[str, Any] = {
            "image_id": lesion.image_id, "lesion_id": lesion.lesion_id, "dx": lesion.dx,
            "method": name, "target": target.code,
            "probability": target.probability(probabilities),
        }  # fmt: skip
        for kind, which in (("deletion", 0), ("insertion", 1)):
            area, random = under[name][which], under["random"][which]
            row[kind], row[f"{kind}_random"], row[f"{kind}_best"] = area, random, best[which]
            row[f"{kind}_gain"] = curves.gain(area, random, best[which])
        row["infidelity"] = stability.infidelity(
            lambda squares: target.score(explainer.served.logits(squares)),
            square, skin(square), small[name],
        )  # fmt: skip
        if mask is not None:
            row["inside"] = share_inside(maps[name], mask)
            row["pointing"] = float(points_inside(maps[name], mask))
            row["mask_share"] = float(mask.mean())
        if costly:
            row["sensitivity"] = stability.sensitivity(
                partial(subject.map, method=name, target=target), picture
            )
            if not card.members:
                other = subject.random_map(picture, name, target)
                row["randomisation"] = likeness(_grid(maps[name]), _grid(other))
        rows.append(row)
    return rows, list(_agreement(lesion.image_id, maps))


def areas(
    subject: Subject, target: Target, square: RGBImage, map: NDArray[np.float32]
) -> tuple[float, float]:
    """Areas under the curves of deletion and of insertion, of the target's probability."""

    def answers(squares: RGBImage) -> NDArray[np.float64]:
        return subject.answers(target, squares)

    down = curves.deletion(answers, square, skin(square), map)
    up = curves.insertion(answers, square, blurred(square), map)
    return down.area, up.area


def _grid(map: NDArray[np.float32]) -> NDArray[np.float32]:
    return stability.resized(np.abs(map), GRID)


def _agreement(image_id: str, maps: dict[str, NDArray[np.float32]]) -> Iterator[dict[str, Any]]:
    """Rank correlation of magnitudes between every two methods."""
    names = list(maps)
    for i, first in enumerate(names):
        for second in names[i:]:
            value = rank_correlation(_grid(maps[first]), _grid(maps[second]))
            yield {
                "image_id": image_id, "first": first, "second": second, "correlation": value
            }  # fmt: skip


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _same_settings(path: Path, settings: dict[str, Any]) -> None:
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found != settings:
            raise ValueError(
                f"{path.parent} holds scores of other settings ({path.name}); "
                "name another folder with --out"
            )
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _keep(path: Path, finished: set[str]) -> None:
    """Drop the rows of a lesion that was stopped half-way."""
    rows = [row for row in read_rows(path) if row["image_id"] in finished]
    path.unlink(missing_ok=True)
    if rows:
        _append(path, FIELDS, rows)


def _append(path: Path, fields: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    fresh = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields)
        if fresh:
            writer.writeheader()
        writer.writerows(
            {key: f"{one:.6g}" if isinstance(one, float) else one for key, one in row.items()}
            for row in rows
        )
