"""Pictures of anything but skin, for a score to learn what it must tell apart from skin."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import quality
from models.checkpoint.ood_parameters import OodParameters
from quality.arrays import RGBImage
from retraining.evaluation.answers import Pictures
from retraining.evaluation.copies import variant
from retraining.evaluation.not_dermoscopic import views

ORIGIN_FILE = "origin.csv"
INVERSE_PENALTY = 1.0  # scikit-learn's C, of weights of standardised means
SHARE = 0.0075
"""Share of val, and of each source, at which evidence and distance are made equal: half of what may
lie above the near threshold, so that each of the two has its half."""


def something_else(folder: Path, part: str) -> Pictures:
    """A view of each picture below `folder/part`: the whole, a square out of it, or a degraded one.

    The same ones at every call. Degraded as pictures of skin are, so that degradation does not
    speak for skin. Raises ValueError where there are none.
    """
    found = quality.find_inputs([folder / part]) if (folder / part).is_dir() else None
    if found is None or not found.files:
        raise ValueError(f"{folder} has no pictures in a folder {part!r} to learn from")
    files = sorted(found.files)
    seeds = [int(sha256(path.name.encode()).hexdigest()[:8], 16) for path in files]

    def view(place: int) -> RGBImage:
        seed = seeds[place]
        seen = list(views(quality.read(files[place]), np.random.default_rng(seed), 2))[seed % 3]
        return variant(seed // 3)(seen) if seed % 3 == 2 else seen

    names = [path.relative_to(folder / part).as_posix() for path in files]
    return Pictures(f"something else {part}", names, view)


def fit_other(
    parameters: OodParameters,
    skin: NDArray[np.floating],
    other: NDArray[np.floating],
    known: Sequence[NDArray[np.floating]],
) -> OodParameters:
    """The parameters with weights that tell embeddings of skin (N, E) from other things (M, E).

    known: embeddings of skin that nothing was fitted on, of each source. The evidence is scaled
        to their distances: where the share `SHARE` of one of the sources is farther, as many of one
        have more evidence; at the median evidence it is 0.
    """
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([skin, other]).astype(np.float64)
    standardised = (values - parameters.mean) / parameters.std
    labels = np.repeat([0, 1], [len(skin), len(other)])
    learner = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
    learner.fit(standardised, labels)
    plain = replace(
        parameters,
        other=learner.coef_[0].astype(np.float32),
        other_bias=learner.intercept_.astype(np.float32),
    )
    evidence = [plain.something_else(one) for one in known]
    middle = float(np.median(np.concatenate(evidence)))
    limit = max(float(np.quantile(one, 1 - SHARE)) for one in evidence)
    distance = max(float(np.quantile(plain.distance(one), 1 - SHARE)) for one in known)
    scale = distance / (limit - middle)
    return replace(
        plain,
        other=np.asarray(plain.other * scale, np.float32),
        other_bias=np.asarray((plain.other_bias - middle) * scale, np.float32),
    )


def origin(folder: Path) -> list[dict[str, str]]:
    """The rows of the folder's `origin.csv`: where the pictures are from; none where it lacks."""
    file = folder / ORIGIN_FILE
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
