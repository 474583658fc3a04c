"""Every metric against scikit-learn's, plain and weighted."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from retraining.metrics.metrics import (
    auc,
    balanced_accuracy,
    balanced_sample_weights,
    binary_metrics,
    confusion_metrics,
    confusions,
    even_weights,
    macro_auc,
    probability_metrics,
    ranking_metrics,
    reweighted,
    softmax,
)

RNG = np.random.default_rng(3)
K = 7
LABELS = RNG.choice(K, 400, p=[0.05, 0.1, 0.1, 0.02, 0.1, 0.6, 0.03])
LOGITS = RNG.normal(size=(400, K)) + 2 * np.eye(K)[LABELS]
PROBABILITIES = softmax(LOGITS)
PREDICTED = PROBABILITIES.argmax(1)
# Plain, as a bootstrap draws (whole numbers, zeros among them), and any weights.
WEIGHTS = np.stack([np.ones(400), RNG.integers(0, 4, 400), RNG.random(400)]).astype(float)
EXACT = 1e-9


def close(found: float, expected: float) -> None:
    assert found == pytest.approx(expected, rel=0, abs=EXACT)


@pytest.mark.parametrize("row", range(len(WEIGHTS)))
def test_class_metrics_agree_with_scikit_learn(row: int) -> None:
    found = confusion_metrics(confusions(LABELS, PREDICTED, WEIGHTS, K))
    weights = WEIGHTS[row]
    close(
        found["accuracy"][row],
        reference.accuracy_score(LABELS, PREDICTED, sample_weight=weights),
    )
    close(
        found["balanced_accuracy"][row],
        reference.balanced_accuracy_score(LABELS, PREDICTED, sample_weight=weights),
    )
    for average in ("macro", "weighted"):
        values = reference.precision_recall_fscore_support(
            LABELS, PREDICTED, average=average, sample_weight=weights, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), values, strict=False):
            close(found[f"{average}_{name}"][row], value)
    by_class = reference.precision_recall_fscore_support(
        LABELS, PREDICTED, sample_weight=weights, zero_division=0
    )
    for name, values in zip(("precision", "sensitivity", "f1"), by_class, strict=False):
        np.testing.assert_allclose(found[name][row], values, rtol=0, atol=EXACT)
    np.testing.assert_allclose(
        confusions(LABELS, PREDICTED, WEIGHTS, K)[row],
        reference.confusion_matrix(LABELS, PREDICTED, sample_weight=weights),
        atol=EXACT,
    )


@pytest.mark.parametrize("decimals", [1, 16])
@pytest.mark.parametrize("row", range(len(WEIGHTS)))
def test_rankings_agree_with_scikit_learn(row: int, decimals: int) -> None:
    # One decimal makes many ties.
    score, positive = PROBABILITIES[:, 4].round(decimals), LABELS == 4
    area, precision = ranking_metrics(positive, score, WEIGHTS)
    weights = WEIGHTS[row]
    close(area[row], reference.roc_auc_score(positive, score, sample_weight=weights))
    close(precision[row], reference.average_precision_score(positive, score, sample_weight=weights))


@pytest.mark.parametrize("row", range(len(WEIGHTS)))
def test_yes_or_no_agrees_with_scikit_learn(row: int) -> None:
    positive, called = np.isin(LABELS, (0, 1, 4)), np.isin(PREDICTED, (0, 1, 4))
    found = binary_metrics(positive, called, WEIGHTS)
    weights = WEIGHTS[row]
    for name, function in {
        "accuracy": reference.accuracy_score,
        "precision": reference.precision_score,
        "sensitivity": reference.recall_score,
        "f1": reference.f1_score,
    }.items():
        close(found[name][row], function(positive, called, sample_weight=weights))
    close(
        found["specificity"][row], reference.recall_score(~positive, ~called, sample_weight=weights)
    )


@pytest.mark.parametrize("row", range(len(WEIGHTS)))
def test_probabilities_agree_with_scikit_learn(row: int) -> None:
    found = probability_metrics(LABELS, PROBABILITIES, WEIGHTS)
    weights = WEIGHTS[row]
    close(found["log_loss"][row], reference.log_loss(LABELS, PROBABILITIES, sample_weight=weights))
    close(
        found["brier"][row],
        reference.brier_score_loss(
            LABELS, PROBABILITIES, sample_weight=weights, scale_by_half=False
        ),
    )


@pytest.mark.torch
def test_calibration_error_agrees_with_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = functional.multiclass_calibration_error(
            torch.from_numpy(PROBABILITIES), torch.from_numpy(LABELS), K, n_bins=15
        )
    found = probability_metrics(LABELS, PROBABILITIES, np.ones((1, 400)))
    assert found["ece_15"][0] == pytest.approx(float(expected), abs=1e-6)


def test_calibration_error_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1]] * 4)
    found = probability_metrics(labels, probabilities, np.ones((1, 4)))
    assert found["ece_15"][0] == pytest.approx(0.4)
    assert found["brier"][0] == pytest.approx((2 * 0.1**2 + 2 * 0.9**2) * 2 / 4)


def test_one_model_at_a_time() -> None:
    close(
        balanced_accuracy(LABELS, PREDICTED, K),
        reference.balanced_accuracy_score(LABELS, PREDICTED),
    )
    expected = reference.roc_auc_score(LABELS, PROBABILITIES, multi_class="ovr", average="macro")
    close(macro_auc(LABELS, PROBABILITIES), expected)
    close(macro_auc(LABELS, LOGITS), expected)
    assert balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 3) == pytest.approx(
        (2 / 3 + 1) / 2
    )


def test_auc_counts_ties_half_and_is_nan_without_positives() -> None:
    assert auc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5
    assert auc(np.array([True, False, False]), np.array([0.5, 0.5, 0.1])) == 0.75
    assert np.isnan(auc(np.array([False]), np.array([0.5])))


def test_a_weighting_without_a_class() -> None:
    labels, predicted = np.array([0, 1, 2]), np.array([0, 1, 0])
    found = confusion_metrics(confusions(labels, predicted, np.array([[1.0, 1.0, 0.0]]), 3))
    assert found["balanced_accuracy"][0] == 1
    assert found["macro_f1"][0] == 1
    assert np.isnan(found["sensitivity"][0, 2])
    assert np.isnan(found["precision"][0, 2])


def test_balanced_sample_weights_give_every_class_the_same_weight() -> None:
    labels = np.array([0, 0, 0, 2])
    np.testing.assert_allclose(balanced_sample_weights(labels, 3), [1 / 6, 1 / 6, 1 / 6, 1 / 2])
    evened = even_weights(labels, np.array([[1.0, 2.0, 0.0, 3.0], [1.0, 0.0, 0.0, 0.0]]), 3)
    np.testing.assert_allclose(evened, [[1 / 3, 2 / 3, 0, 1], [1, 0, 0, 0]])


def test_even_weighting_is_what_resampling_tends_to() -> None:
    drawn = RNG.choice(400, 200_000, p=balanced_sample_weights(LABELS, K))
    expected = reference.accuracy_score(LABELS[drawn], PREDICTED[drawn])
    weights = even_weights(LABELS, np.ones((1, 400)), K)
    found = confusion_metrics(confusions(LABELS, PREDICTED, weights, K))["accuracy"][0]
    assert found == pytest.approx(expected, abs=0.005)
    assert found == pytest.approx(balanced_accuracy(LABELS, PREDICTED, K))


def test_reweighting_follows_bayes() -> None:
    found = reweighted(np.array([[0.5, 0.5], [0.8, 0.2]]), [0.9, 0.1])
    np.testing.assert_allclose(found, [[0.9, 0.1], [0.72 / 0.74, 0.02 / 0.74]])
