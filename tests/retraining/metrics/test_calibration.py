import numpy as np
import pytest

from retraining.metrics.calibration import chance_ece, fit_temperature, operating_curve
from retraining.metrics.metrics import probability_metrics, softmax


def drawn(rng: np.random.Generator, probabilities: np.ndarray) -> np.ndarray:
    return (probabilities.cumsum(1) < rng.random((len(probabilities), 1))).sum(1)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20000, 3)) * 2
    labels = drawn(rng, softmax(logits))
    found = fit_temperature(labels, 3 * logits, np.full(20000, 1 / 20000))
    assert found == pytest.approx(3, rel=0.05)


def test_a_curve_has_the_points_themselves() -> None:
    """Between two thresholds of a grid a curve would show another figure than the card."""
    malignant, p = np.array([True, True, False, False]), np.array([0.3, 0.8, 0.1, 0.31])
    curve = operating_curve(malignant, p, p > 0.5, "test", [0.305])
    place = curve["threshold"].index(0.305)
    assert (curve["sensitivity"][place], curve["specificity"][place]) == (0.5, 0.5)
    assert curve["threshold"] == sorted(curve["threshold"])


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
