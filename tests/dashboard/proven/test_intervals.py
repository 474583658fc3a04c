"""Exact intervals against a library that web workers do not have."""

import pytest

from Dashboard.proven.intervals import share


@pytest.mark.parametrize(
    ("found", "n"), [(0, 1), (1, 1), (18, 20), (0, 5), (5, 5), (3, 2000), (5000, 10_000)]
)
def test_intervals_are_those_of_clopper_and_pearson(found: int, n: int) -> None:
    beta = pytest.importorskip("scipy.stats").beta
    low = beta.ppf(0.025, found, n - found + 1) if found else 0
    high = beta.ppf(0.975, found + 1, n - found) if found < n else 1
    assert share(found, n)[2:] == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_nothing_has_no_share() -> None:
    nothing = share(0, 0)
    assert (nothing.value, nothing.low, nothing.high) == (None, None, None)
