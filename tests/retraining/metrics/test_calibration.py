import numpy as np
import pytest

from models.registry.taxonomy import HAM10000
from retraining.metrics.calibration import (
    RULE,
    chance_ece,
    choose_threshold,
    consults,
    fit_temperature,
    operating_point,
)
from retraining.metrics.metrics import probability_metrics, softmax


def drawn(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    return (probabilities.cumsum(1) < rng.random((len(probabilities), 1))).sum(1)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 3)) * 2
    labels = drawn(rng, softmax(logits))
    found = fit_temperature(labels, 3 * logits, np.full(20000, 1 / 20000))
    assert found == pytest.approx(3, rel=0.05)


def test_the_threshold_is_the_highest_that_reaches_the_sensitivity() -> None:
    rng = np.random.default_rng(1)
    malignant = rng.random(300) < 0.3
    p = np.clip(rng.normal(0.3 + 0.3 * malignant, 0.2), 0, 1)
    called = p > 0.6
    for target in (0.5, 0.8, 0.95, 1.0):
        threshold = choose_threshold(malignant, p, called, target)
        reached = consults(p, called, threshold)[malignant].mean()
        assert reached >= target
        if threshold < 0.6:
            assert consults(p, called, threshold + 2e-6)[malignant].mean() < target


def test_an_argmax_that_finds_enough_needs_no_threshold() -> None:
    malignant = np.array([True, True, False])
    called = np.array([True, True, False])
    assert choose_threshold(malignant, np.array([0.5, 0.6, 0.4]), called) == 1


def test_an_operating_point_says_what_it_is() -> None:
    rng = np.random.default_rng(2)
    logits = 2 * rng.normal(size=(500, 7))
    probabilities = softmax(logits)
    labels = drawn(rng, probabilities)
    point = operating_point(labels, probabilities, HAM10000, 0.9)
    assert point["rule"] == RULE
    assert (point["target_sensitivity"], point["split"], point["n"]) == (0.9, "val", 500)
    assert 0.9 <= point["sensitivity"] < 0.92
    assert 0 < point["specificity"] < 1


@pytest.mark.parametrize("sensitivity", [0, -1, 1.01])
def test_a_sensitivity_that_is_none(sensitivity: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        choose_threshold(np.array([True]), np.array([0.5]), np.array([False]), sensitivity)


def test_an_operating_point_needs_malignant_images() -> None:
    with pytest.raises(ValueError, match="malignant images in val"):
        choose_threshold(np.array([False]), np.array([0.5]), np.array([False]))


def test_the_error_of_a_perfect_model_is_not_zero() -> None:
    rng = np.random.default_rng(4)
    probabilities = softmax(2 * rng.normal(size=(400, 7)))
    frequencies = np.full(7, 1 / 7)
    chance = chance_ece(probabilities, frequencies)
    for name in ("ece_15", "ece_15_natural"):
        assert 0.01 < chance[name]["low"] < chance[name]["mean"] < chance[name]["high"]
    ones = np.ones((1, 400))
    found = [
        probability_metrics(drawn(rng, probabilities), probabilities, ones)["ece_15"][0]
        for _ in range(100)
    ]
    assert np.mean(found) == pytest.approx(chance["ece_15_natural"]["mean"], rel=0.05)
