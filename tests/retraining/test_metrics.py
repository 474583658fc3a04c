import numpy as np
import pytest
from sklearn import metrics as reference

from retraining.metrics import (
    auc,
    balanced_accuracy,
    class_weights,
    expected_calibration_error,
    fit_temperature,
    lesion_bootstrap,
    macro_auc,
    softmax,
)

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 7, 400)
LOGITS = RNG.normal(size=(400, 7)) + 2 * np.eye(7)[LABELS]


def test_balanced_accuracy_by_hand() -> None:
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert balanced_accuracy(labels, predicted, 3) == pytest.approx((2 / 3 + 1) / 2)


def test_agreement_with_scikit_learn() -> None:
    probabilities = softmax(LOGITS)
    predicted = probabilities.argmax(1)
    assert balanced_accuracy(LABELS, predicted, 7) == pytest.approx(
        reference.balanced_accuracy_score(LABELS, predicted)
    )
    expected = reference.roc_auc_score(LABELS, probabilities, multi_class="ovr", average="macro")
    assert macro_auc(LABELS, probabilities) == pytest.approx(expected)
    assert macro_auc(LABELS, LOGITS) == pytest.approx(expected)


def test_auc_counts_ties_half_and_is_nan_without_positives() -> None:
    assert auc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5
    assert auc(np.array([True, False, False]), np.array([0.5, 0.5, 0.1])) == 0.75
    assert np.isnan(auc(np.array([False]), np.array([0.5])))


def test_class_weights_give_every_class_the_same_weight() -> None:
    weights = class_weights(np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(weights, [1 / 6, 1 / 6, 1 / 6, 1 / 2])


def test_calibration_error_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1]] * 4)
    weights = np.full(4, 0.25)
    assert expected_calibration_error(labels, probabilities, weights) == pytest.approx(0.4)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 3)) * 2
    labels = (softmax(logits).cumsum(1) < rng.random((20000, 1))).sum(1)
    found = fit_temperature(labels, 3 * logits, np.full(20000, 1 / 20000))
    assert found == pytest.approx(3, rel=0.05)


def test_interval_holds_whole_lesions() -> None:
    # Ten copies of every lesion's image carry no more information than one.
    values = np.random.default_rng(1).normal(size=100)
    alone = lesion_bootstrap(lambda r: values[r].mean(), np.arange(100).astype(object))
    tenfold = np.repeat(values, 10)
    lesions = np.repeat(np.arange(100), 10).astype(object)
    copied = lesion_bootstrap(lambda r: tenfold[r].mean(), lesions)
    assert copied[1] - copied[0] == pytest.approx(alone[1] - alone[0], rel=0.05)
    assert alone[0] < values.mean() < alone[1]
