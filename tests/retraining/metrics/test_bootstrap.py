import numpy as np
import pytest

from retraining.metrics.bootstrap import interval, lesion_weights, paired, with_intervals


def mean_of(values: np.ndarray):
    return lambda weights: {"mean": (weights @ values) / weights.sum(axis=1)}


def test_whole_lesions_are_drawn() -> None:
    lesions = np.array(["a", "b", "a", "c", "c"], object)
    weights = lesion_weights(lesions, 50)
    assert weights.shape == (50, 5)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, 0] + weights[:, 1] + weights[:, 3] == 3).all()


def test_another_order_gets_the_same_draws() -> None:
    lesions = np.array(["a", "b", "a", "c"], object)
    order = np.array([3, 1, 2, 0])
    np.testing.assert_array_equal(
        lesion_weights(lesions, 20)[:, order], lesion_weights(lesions[order], 20)
    )


def test_copies_of_an_image_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(1).normal(size=100)
    alone = with_intervals(mean_of(values), lesion_weights(np.arange(100).astype(object), 1000))
    copied = with_intervals(
        mean_of(np.repeat(values, 10)),
        lesion_weights(np.repeat(np.arange(100), 10).astype(object), 1000),
    )
    assert copied == {"mean": pytest.approx(alone["mean"])}
    assert alone["mean"]["low"] < values.mean() < alone["mean"]["high"]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for seed in range(200):
        values = rng.normal(size=60)
        found = with_intervals(
            mean_of(values), lesion_weights(np.arange(60).astype(object), 300, seed)
        )["mean"]
        held += found["low"] <= 0 <= found["high"]
    assert 0.88 <= held / 200 <= 0.99


def test_values_that_are_missing() -> None:
    found = with_intervals(
        lambda weights: {"never": np.full(len(weights), np.nan), "once": weights[:, 0]},
        lesion_weights(np.arange(3).astype(object), 20),
    )
    assert list(found) == ["once"]
    assert interval(np.array([np.nan, np.nan, 1.0])) == (None, None)


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(size=200)
    weights = lesion_weights(np.arange(200).astype(object), 1000)
    first = mean_of(hard + 0.1 + 0.1 * rng.normal(size=200))(weights)["mean"]
    second = mean_of(hard)(weights)["mean"]
    found = paired(first, second)
    assert 0 < found["low"] < 0.1 < found["high"]
    assert found["p"] == 0.001
    assert paired(second, second)["p"] == 1
    assert interval(first)[0] < interval(second)[1]
