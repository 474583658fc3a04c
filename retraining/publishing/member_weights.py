"""How much each member of an ensemble counts: weights fitted, and judged on what they did not see.

Fitted by the likelihood of the true classes under the mixture, over several collections that count
the same each, for what the mean is for is pictures from elsewhere. Within one the malignant count
as much as the benign; not each class the same, since some have two or three pictures there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.registry.taxonomy import Taxonomy
from retraining.data.splits import load_split
from retraining.evaluation.answers import Pictures, ServedModel, log_probabilities, pictures_of
from retraining.evaluation.sources import read_sources
from retraining.metrics.metrics import ranking_metrics
from retraining.progress import NamedProgressCallback

FOLDS = 5
STEPS = 500


@dataclass(frozen=True)
class Judged:
    """A way to join the members, by what it says of lesions that it was not fitted on.

    log_loss: the mean over collections, malignant and benign. malignant_auc: over collections.
    n: the pictures of each collection.
    """

    what: str
    shares: list[float]
    log_loss: float
    malignant_auc: float
    n: list[int]


@dataclass(frozen=True)
class MemberProbabilities:
    """What M members say of the N pictures of one collection.

    probabilities: (M, N, K), calibrated. labels: (N,). lesions: (N,). malignant: the classes.
    """

    probabilities: NDArray[np.float64]
    labels: NDArray[np.intp]
    lesions: NDArray[np.object_]
    malignant: tuple[int, ...]

    def take(self, chosen: NDArray[np.bool_]) -> "MemberProbabilities":
        """Those of some pictures, (N,)."""
        return MemberProbabilities(
            self.probabilities[:, chosen], self.labels[chosen], self.lesions[chosen], self.malignant
        )

    @property
    def bad(self) -> NDArray[np.bool_]:
        """(N,) Whether the true class is malignant."""
        return np.isin(self.labels, self.malignant)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(N,) 1 in all, the malignant as much as the benign."""
        share = self.bad.mean()
        each = np.where(self.bad, 1 / max(share, 1e-9), 1 / max(1 - share, 1e-9))
        return np.asarray(each / each.sum())

    @property
    def of_truth(self) -> NDArray[np.float64]:
        """(M, N) the probability of the true class."""
        return np.asarray(self.probabilities[:, np.arange(len(self.labels)), self.labels])


def asked(
    members: Sequence[ServedModel], frame: pd.DataFrame, pictures: Pictures, taxonomy: Taxonomy
) -> MemberProbabilities:
    """The members' answers to the pictures of a frame with `dx` and `lesion_id`."""
    logs = [
        log_probabilities(one.answers(pictures).logits, one.card.temperature) for one in members
    ]
    labels = np.array([taxonomy.index(code) for code in frame.dx])
    lesions = frame.lesion_id.to_numpy(object)
    return MemberProbabilities(np.exp(np.stack(logs)), labels, lesions, taxonomy.malignant_indices)


def fitted(collections: Sequence[MemberProbabilities]) -> NDArray[np.float64]:
    """The weights (M,), 1 in all, under which the true classes are likeliest.

    By expectation maximisation, which cannot leave the simplex and, the likelihood being concave in
    the weights, ends at its one height.
    """
    truth = np.concatenate([one.of_truth for one in collections], axis=1)
    each = np.concatenate([one.weights for one in collections]) / len(collections)
    shares = np.full(len(truth), 1 / len(truth))
    for _ in range(STEPS):
        parts = shares[:, None] * truth
        shares = (each * parts / parts.sum(0)).sum(1)
    return np.asarray(shares / shares.sum())


def compared(
    names: Sequence[str],
    collections: Sequence[MemberProbabilities],
    folds: int = FOLDS,
) -> list[Judged]:
    """Each member alone, all alike, and fitted weights, the last on lesions that did not fit them.

    The shares of the last row are those fitted on everything.
    """
    count = len(names)
    rows = [
        _judged(name, [np.eye(count)[place]] * folds, collections, folds)
        for place, name in enumerate(names)
    ]
    even = np.full(count, 1 / count)
    rows.append(_judged("evenly weighted", [even] * folds, collections, folds))
    parts = [_fold(one.lesions, folds) for one in collections]
    crossed = [
        fitted([one.take(part != fold) for one, part in zip(collections, parts, strict=True)])
        for fold in range(folds)
    ]
    row = _judged("fitted, cross-fitted here", crossed, collections, folds)
    rows.append(replace(row, shares=fitted(collections).tolist()))
    return rows


def compare_weights(
    folders: Sequence[Path],
    splits: Path,
    given: Sequence[str],
    *,
    cache: Path | None = None,
    progress: NamedProgressCallback | None = None,
) -> list[Judged]:
    """`compared` for checkpoints, on val of a split and the parts `choose` of sources.

    given: the sources, as `retraining.evaluation.sources.read_sources` takes them.
    """
    members = [ServedModel(one, cache, progress) for one in folders]
    taxonomy = members[0].card.taxonomy
    val = load_split(splits)["val"]
    sets = [(val, pictures_of("val", val))]
    sets += [(one.parts["choose"], one.pictures("choose")) for one in read_sources(given, taxonomy)]
    return compared(
        [one.card.name for one in members],
        [asked(members, frame, pictures, taxonomy) for frame, pictures in sets],
    )


def _judged(
    what: str,
    shares: Sequence[NDArray[np.float64]],
    collections: Sequence[MemberProbabilities],
    folds: int,
) -> Judged:
    """Judge weights, a row of them for each fold of lesions."""
    losses, areas = [], []
    for one in collections:
        own = np.stack(shares)[_fold(one.lesions, folds)]  # (N, M)
        mixed = np.einsum("nm,mnk->nk", own, one.probabilities)
        truth = mixed[np.arange(len(one.labels)), one.labels]
        losses.append(-(one.weights * np.log(np.maximum(truth, 1e-300))).sum())
        score = mixed[:, one.malignant].sum(1)
        areas.append(ranking_metrics(one.bad, score, np.ones((1, len(score))))[0][0])
    mean = np.mean(shares, axis=0).tolist()
    counts = [len(one.labels) for one in collections]
    return Judged(what, mean, float(np.mean(losses)), float(np.mean(areas)), counts)


def _fold(lesions: NDArray[np.object_], folds: int) -> NDArray[np.intp]:
    """The fold of each lesion, whatever else is in the data."""
    hashes = pd.util.hash_array(lesions.astype(str).astype(object), categorize=False)
    return np.asarray(hashes % np.uint64(folds), np.intp)
