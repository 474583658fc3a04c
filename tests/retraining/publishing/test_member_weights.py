"""How much each member counts: what is fitted is what was mixed, and is judged on other lesions."""

import numpy as np
import pytest

from models.registry.taxonomy import HAM10000
from retraining.publishing.member_weights import MemberProbabilities, compared, fitted

LESIONS, TWICE = 400, 2


def collection(seed: int, skills: list[float]) -> MemberProbabilities:
    """Two pictures each of many lesions; a member is as sure of the true class as it is skilled."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(draw.permutation(np.arange(LESIONS) % len(HAM10000)), TWICE)
    rows = []
    for skill in skills:
        logits = draw.normal(size=(len(labels), len(HAM10000)))
        logits[np.arange(len(labels)), labels] += skill
        exponents = np.exp(logits)
        rows.append(exponents / exponents.sum(1, keepdims=True))
    lesions = np.array([f"lesion {place // TWICE}" for place in range(len(labels))], object)
    return MemberProbabilities(np.stack(rows), labels, lesions, HAM10000.malignant_indices)


def log_likelihood(shares: np.ndarray, given: list[MemberProbabilities]) -> float:
    return sum(float((one.weights * np.log(shares @ one.of_truth)).sum()) for one in given)


def test_the_fitted_weights_are_the_likeliest() -> None:
    given = [collection(0, [2.0, 1.2, 0.5]), collection(1, [1.0, 1.5, 0.2])]
    best = fitted(given)
    assert best.sum() == pytest.approx(1)
    assert min(best) >= 0
    draw = np.random.default_rng(2)
    others = [*draw.dirichlet(np.ones(3), 300), *(best + draw.normal(0, 0.01, (50, 3)))]
    for other in others:
        other = np.clip(other, 1e-9, None)
        assert log_likelihood(other / other.sum(), given) <= log_likelihood(best, given) + 1e-9


def test_a_collection_counts_the_same_whatever_its_size() -> None:
    good, bad = collection(0, [2.0, 0.5]), collection(1, [0.5, 2.0])
    many = MemberProbabilities(
        np.concatenate([bad.probabilities] * 5, axis=1),
        np.concatenate([bad.labels] * 5),
        np.concatenate([bad.lesions] * 5),
        bad.malignant,
    )
    np.testing.assert_allclose(fitted([good, bad]), fitted([good, many]), atol=1e-9)


def test_they_are_judged_on_lesions_that_did_not_fit_them() -> None:
    given = [collection(0, [1.5, 1.4]), collection(1, [1.0, 1.2])]
    rows = compared(["a", "b"], given)
    assert [row.what for row in rows] == ["a", "b", "evenly weighted", "fitted, cross-fitted here"]
    assert rows[0].shares == [1, 0]
    assert rows[2].shares == [0.5, 0.5]
    assert rows[3].shares == fitted(given).tolist()
    together = np.mean(
        [-(one.weights * np.log(fitted(given) @ one.of_truth)).sum() for one in given]
    )
    assert together < rows[3].log_loss < min(row.log_loss for row in rows[:2])
    assert all(0.5 < row.malignant_auc < 1 for row in rows)
    assert all(row.n == [TWICE * LESIONS] * 2 for row in rows)
