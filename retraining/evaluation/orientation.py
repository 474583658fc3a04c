"""How often a verdict depends on how a picture is turned, and what each remedy leaves of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quality
from models.inference.views import SYMMETRIES, VIEW_NAMES, set_upright
from quality.arrays import RGBImage
from retraining.evaluation.answers import Answers, ServedModel, pictures_of
from retraining.metrics.calibration import consults
from retraining.metrics.metrics import softmax

NONE, NO_APPOINTMENT, CONSULTATION = range(3)
QUALITY = 90  # of the JPEG files of turned copies
NOTHING, UPRIGHT, SAVED = "nothing", "upright", "upright, of copies saved as JPEG"


def measure_orientation(
    model: ServedModel, test: pd.DataFrame, frame: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """A row for each remedy: `remedy`, `views` of a picture that are computed, and of `n` images
    the shares `changed`, whose verdict is not the same for all eight symmetries, and
    `from_consultation`, which are sent to a consultation in one of them and not in another.

    test: what is served is measured on all of these.
    frame: the images of test that the other remedies, eight answers each, are measured on.
    """
    frame = test if frame is None else frame
    found = [
        model.answers(
            pictures_of(
                f"orientation {name}",
                frame,
                lambda _place, own=symmetry: lambda image: np.ascontiguousarray(own.apply(image)),  # type: ignore[misc]
                upright=False,
            )
        )
        for name, symmetry in zip(VIEW_NAMES, SYMMETRIES, strict=True)
    ]
    probabilities = np.stack([softmax(one.logits, model.card.temperature) for one in found], axis=1)
    scores = np.stack([_scores(one) for one in found], axis=1)
    of_views = _compositions()
    rows = []
    for views in (1, 2, 4, 8):
        mean = [probabilities[:, own[:views]].mean(axis=1) for own in of_views]
        score = [scores[:, own[:views]].mean(axis=1) for own in of_views]
        if views == 1:
            rows.append(_row(NOTHING, 1, _verdicts(model, mean, score)))
            continue
        # A symmetry's own view alone says the class.
        alone = [probabilities[:, own[0]] for own in of_views]
        rows.append(_row(f"score of {views} views", views, _verdicts(model, alone, score)))
        rows.append(_row(f"mean of {views} views", views, _verdicts(model, mean, score)))
    saved = _saved(model, test)
    # Copies with one upright are one input, and so have one verdict.
    same = np.array([_has_one_upright(quality.read(Path(path))) for path in test.path])[:, None]
    rows.append(_row(UPRIGHT, 1, np.where(same, saved[:, :1], np.arange(len(SYMMETRIES)))))
    rows.append(_row(SAVED, 1, saved))
    return rows


def _has_one_upright(image: RGBImage) -> bool:
    """Whether all copies of a picture give the same input."""
    return len({set_upright(one.apply(image))[0].tobytes() for one in SYMMETRIES}) == 1


def _saved(model: ServedModel, frame: pd.DataFrame) -> NDArray[np.int64]:
    """Verdicts (N, 2) of the pictures and of copies that were turned and saved again."""
    turned = pictures_of(
        "orientation turned and saved",
        frame,
        lambda _place: lambda image: _again(np.ascontiguousarray(np.rot90(image))),
    )
    columns = []
    for pictures in (pictures_of("test", frame), turned):
        answers = model.answers(pictures)
        probabilities = softmax(answers.logits, model.card.temperature)
        columns.append(_verdicts(model, [probabilities], [_scores(answers)])[:, 0])
    return np.stack(columns, axis=1)


def _again(image: RGBImage) -> RGBImage:
    """Through a JPEG file as image programs write them."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    read = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(read[:, :, ::-1])


def _scores(answers: Answers) -> NDArray[np.float64]:
    """OOD scores; of a model without one, below every threshold."""
    return np.zeros(len(answers.logits)) if answers.ood is None else answers.ood


def _compositions() -> list[list[int]]:
    """For each symmetry, which of the eight views its own eight views are."""
    square = np.arange(9).reshape(3, 3)
    views = [one.apply(square).tolist() for one in SYMMETRIES]
    return [
        [views.index(second.apply(first.apply(square)).tolist()) for second in SYMMETRIES]
        for first in SYMMETRIES
    ]


def _verdicts(
    model: ServedModel,
    probabilities: Sequence[NDArray[np.float64]],
    scores: Sequence[NDArray[np.float64]],
) -> NDArray[np.int64]:
    """The verdicts (N, len(probabilities)), by the rules of the advice for an accepted picture."""
    card = model.card
    bad, point = list(card.taxonomy.malignant_indices), card.operating_point
    ood = card.ood or {}
    columns = []
    for one, score in zip(probabilities, scores, strict=True):
        called = np.isin(one.argmax(axis=1), bad)
        threshold = 2.0 if point is None else float(point["threshold"])
        consulted = consults(one[:, bad].sum(axis=1), called, threshold)
        near, far = (score > ood.get(key, np.inf) for key in ("threshold", "far_threshold"))
        cleared = np.where(near, NONE, NO_APPOINTMENT)
        columns.append(np.where(far, NONE, np.where(consulted, CONSULTATION, cleared)))
    return np.stack(columns, axis=1)


def _row(remedy: str, views: int, verdicts: NDArray[np.int64]) -> dict[str, Any]:
    consulted = verdicts == CONSULTATION
    return {
        "remedy": remedy,
        "views": views,
        "n": len(verdicts),
        "changed": float((verdicts != verdicts[:, :1]).any(axis=1).mean()),
        "from_consultation": float((consulted.any(axis=1) & ~consulted.all(axis=1)).mean()),
    }
