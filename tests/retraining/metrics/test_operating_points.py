"""Operating points: the lower bound, lesions and copies, what n cannot support, figures by hand."""

import numpy as np
import pytest
from scipy.stats import beta

from models.registry.taxonomy import HAM10000
from retraining.metrics.calibration import RULE, calibrate, consults
from retraining.metrics.metrics import softmax
from retraining.metrics.operating_points import (
    CONFIDENCE,
    TARGETS,
    Evidence,
    choose_threshold,
    lower_bound,
    measured_point,
    operating_points,
)


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    assert lower_bound(20, 20) == pytest.approx((1 - CONFIDENCE) ** (1 / 20))
    assert lower_bound(18, 20) == pytest.approx(beta.ppf(0.05, 18, 3))
    assert lower_bound(0, 20) == 0


@pytest.mark.parametrize("target", TARGETS)
def test_the_threshold_is_the_highest_whose_bound_reaches_the_target(target: float) -> None:
    rng = np.random.default_rng(1)
    p = np.clip(rng.normal(0.6, 0.2, 600), 0, 1)
    called, lesions = p > 0.7, np.arange(600)
    threshold, lower, supported = choose_threshold(p, called, lesions, target)
    assert supported
    assert lower >= target
    found = consults(p, called, threshold)
    assert lower == pytest.approx(lower_bound(found.sum(), 600))
    above = p[(p > threshold + 1e-6) & ~called].min()
    assert lower_bound(consults(p, called, above).sum(), 600) < target


def test_what_n_cannot_support_misses_none() -> None:
    p = np.linspace(0.2, 0.9, 40)
    threshold, lower, supported = choose_threshold(p, p > 0.5, np.arange(40), 0.98)
    assert not supported
    assert threshold == pytest.approx(0.2)
    assert lower == pytest.approx(0.05 ** (1 / 40))


def test_copies_of_a_lesion_are_no_more_lesions() -> None:
    """Fifty lesions do not support 0.95, however often they are copied; half found counts half."""
    p, lesions = np.tile(np.linspace(0.1, 0.9, 50), 4), np.tile(np.arange(50), 4)
    assert choose_threshold(p, p > 1, lesions, 0.95)[2] is False
    once = choose_threshold(p[:50], p[:50] > 1, lesions[:50], 0.9)
    assert choose_threshold(p, p > 1, lesions, 0.9) == once
    p = np.concatenate([np.full(100, 0.9), np.full(100, 0.9)])
    p[:8] = 0.1  # one of the two pictures of eight lesions
    _, lower, _ = choose_threshold(p, p > 1, np.tile(np.arange(100), 2), 0.9)
    assert lower == pytest.approx(lower_bound(96, 100))


def test_an_argmax_that_finds_enough_needs_no_threshold() -> None:
    p = np.full(200, 0.5)
    assert choose_threshold(p, p > 0.4, np.arange(200), 0.95)[0] == 1


@pytest.mark.parametrize("sensitivity", [0, -1, 1, 1.01])
def test_a_sensitivity_that_is_none(sensitivity: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        choose_threshold(np.array([0.5]), np.array([False]), np.array(["a"]), sensitivity)


def test_an_operating_point_needs_malignant_images() -> None:
    with pytest.raises(ValueError, match="malignant images in val"):
        choose_threshold(np.array([]), np.array([], bool), np.array([]), 0.95)


def test_points_say_what_they_are() -> None:
    rng = np.random.default_rng(2)
    logits = 2 * rng.normal(size=(900, 7))
    labels = (softmax(logits).cumsum(1) < rng.random((900, 1))).sum(1)
    clean = np.arange(900) < 600
    evidence = Evidence(labels, logits, np.arange(900), clean, HAM10000)
    temperature = calibrate(labels[clean], logits[clean])
    points = operating_points(evidence, temperature)
    assert [point["target_sensitivity"] for point in points] == list(TARGETS)
    for point in points:
        assert (point["rule"], point["split"], point["n"]) == (RULE, "val", 600)
        assert point["n_malignant"] == evidence.malignant[:600].sum()
        assert point["lesions"] == evidence.malignant.sum()
        assert point["lower"] >= point["target_sensitivity"]
        # A lesion that had no part in it is found nearly as often.
        assert abs(point["cross_fitted"]["sensitivity"] - point["sensitivity"]) < 0.03
    by_target = sorted(points, key=lambda point: point["target_sensitivity"])
    assert [p["threshold"] for p in by_target] == sorted(p["threshold"] for p in points)[::-1]
    benign = np.zeros(900, int) + HAM10000.index("nv")
    assert operating_points(Evidence(benign, logits, np.arange(900), clean, HAM10000), 1.0) == []


def test_measured_by_hand() -> None:
    malignant = np.array([True, True, True, True, False, False, False, False])
    consulted = np.array([True, True, True, False, True, False, False, False])
    histology = np.array([True, True, True, True, True, True, False, False])
    found = measured_point(malignant, consulted, np.arange(8), histology)
    assert (found["n"], found["n_malignant"], found["n_histology"]) == (8, 4, 2)
    assert (found["sensitivity"], found["specificity"]) == (0.75, 0.75)
    assert found["specificity_histology"] == 0.5
    assert found["sensitivity_low"] < 0.75 < found["sensitivity_high"]
    alone = measured_point(malignant, consulted, np.arange(8), np.zeros(8, bool), resamples=5)
    assert "specificity_histology" not in alone
