"""The verdict, and the sentences that go with it."""

import json
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import quality
from tests.quality.makers import picture

Pixels = NDArray[np.uint8]

SHARP = picture(600, 450) // 2 + np.random.default_rng(0).integers(
    0, 60, (450, 600, 3), dtype=np.uint8
)
BLURRED = np.asarray(cv2.GaussianBlur(SHARP, (0, 0), 9), dtype=np.uint8)
PALE = (SHARP // 4 + 150).astype(np.uint8)


def test_accepts_a_sharp_picture() -> None:
    report = quality.check(SHARP)
    assert report.verdict == "accept"
    assert (report.reasons, report.notes, report.failed) == ((), (), ())
    assert (report.width, report.height) == (600, 450)
    assert report.laplacian_variance == quality.laplacian_variance(SHARP)
    assert report.laplacian_variance_normalised == report.laplacian_variance
    assert report.gamma == quality.gamma(SHARP)
    assert report.brightness == quality.brightness(SHARP)
    assert report.thresholds == quality.Thresholds(15.0, 0.15)
    assert report.mode == quality.DEFAULT_GATE == "normalised"


def test_rejects_a_blurred_picture() -> None:
    report = quality.check(BLURRED)
    assert report.verdict == "reject"
    assert report.failed == ("laplacian_variance",)
    (reason,) = report.reasons
    assert reason.startswith(f"Sharpness {report.laplacian_variance:.1f} is below 15: hold")


def test_rejects_a_pale_picture() -> None:
    report = quality.check(PALE)
    assert report.verdict == "reject"
    assert report.failed == ("gamma",)
    (reason,) = report.reasons
    assert reason.startswith(f"Contrast {report.gamma:.2f} is below 0.15: ")


def test_gives_all_reasons() -> None:
    report = quality.check((BLURRED // 4 + 150).astype(np.uint8))
    assert report.failed == ("laplacian_variance", "gamma")
    assert [reason.split()[0] for reason in report.reasons] == ["Sharpness", "Contrast"]


@pytest.mark.parametrize(
    ("level", "advice"), [(10, "light on"), (150, "wipe the lens"), (245, "overexposed")]
)
def test_advice_fits_the_brightness(level: int, advice: str) -> None:
    (reason,) = quality.check(
        np.full((450, 600, 3), level, dtype=np.uint8), quality.Thresholds(min_laplacian=0)
    ).reasons
    assert advice in reason


def test_a_value_at_the_threshold_passes() -> None:
    at = quality.check(SHARP)
    thresholds = quality.Thresholds(at.laplacian_variance, at.gamma)
    assert quality.check(SHARP, thresholds).verdict == "accept"
    above = quality.Thresholds(
        math.nextafter(at.laplacian_variance, math.inf), math.nextafter(at.gamma, 1)
    )
    report = quality.check(SHARP, above)
    assert report.failed == ("laplacian_variance", "gamma")


def test_reason_shows_the_difference_however_small() -> None:
    value = quality.laplacian_variance(SHARP)
    threshold = math.ceil(value * 1e6) / 1e6
    (reason,) = quality.check(SHARP, quality.Thresholds(min_laplacian=threshold)).reasons
    assert float(reason.split()[1]) < threshold


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    min_laplacian=st.floats(0, 5000),
    min_gamma=st.floats(0, 0.5),
    mode=st.sampled_from(quality.GATES),
)
def test_verdict_follows_from_the_measures(
    seed: int, min_laplacian: float, min_gamma: float, mode: quality.Mode
) -> None:
    rng = np.random.default_rng(seed)
    image = picture(30, 20, seed) // 4 + rng.integers(0, 99, (20, 30, 3), dtype=np.uint8)
    report = quality.check(image, quality.Thresholds(min_laplacian, min_gamma), mode)
    blurred, pale = report.laplacian_variance < min_laplacian, report.gamma < min_gamma
    assert (report.verdict == "reject") == (blurred or pale)
    assert ("laplacian_variance" in report.failed) == blurred
    assert ("gamma" in report.failed) == pale
    assert len(report.reasons) == len(report.failed)


def enlarged(image: Pixels, factor: float) -> Pixels:
    resized = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def test_a_large_picture_is_judged_at_the_working_size() -> None:
    large = enlarged(BLURRED // 2 + SHARP // 2, 5)
    report = quality.check(large)
    assert report.laplacian_variance < 15 < report.laplacian_variance_normalised
    assert (report.verdict, report.notes) == ("accept", ())


def test_a_large_picture_is_judged_by_its_own_size_with_a_note() -> None:
    large = enlarged(BLURRED // 2 + SHARP // 2, 5)
    report = quality.check(large, mode="classic")
    assert report.laplacian_variance < 15 < report.laplacian_variance_normalised
    assert report.verdict == "reject"
    (note,) = report.notes
    assert "meant for pictures of about 600 x 450 pixels" in note
    assert "3000 x 2250" in note
    assert f"at that size this picture has {report.laplacian_variance_normalised:.1f}" in note


def test_normalised_gate_judges_at_the_working_size() -> None:
    large = enlarged(BLURRED // 2 + SHARP // 2, 5)
    report = quality.check(large, mode="normalised")
    assert report.verdict == "accept"
    assert report.notes == ()
    blurred = quality.check(enlarged(BLURRED, 5), mode="normalised")
    assert blurred.failed == ("laplacian_variance",)
    assert f"{blurred.laplacian_variance_normalised:.1f}" in blurred.reasons[0]


@pytest.mark.parametrize("mode", quality.GATES)
def test_a_small_picture_gets_a_note(mode: quality.Mode) -> None:
    report = quality.check(np.ascontiguousarray(SHARP[:224, :224]), mode=mode)
    assert report.laplacian_variance_normalised == report.laplacian_variance
    (note,) = report.notes
    assert "224 x 224; a smaller picture does not tell its value at that size" in note


def test_photographs_pass(originals: list[Pixels]) -> None:
    for image in originals:
        report = quality.check(image)
        assert (report.verdict, report.notes) == ("accept", ())
        blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 8), dtype=np.uint8)
        assert "laplacian_variance" in quality.check(blurred).failed
        assert "gamma" in quality.check((image // 5 + 180).astype(np.uint8)).failed


def test_constant_and_single_pixels_are_rejected() -> None:
    for shape in ((450, 600), (1, 1)):
        report = quality.check(np.full((*shape, 3), 90, dtype=np.uint8))
        assert report.failed == ("laplacian_variance", "gamma")
        assert (report.laplacian_variance, report.gamma, report.brightness) == (0, 0, 90)


def test_dictionary_is_ready_for_json() -> None:
    report = quality.check(BLURRED)
    found = json.loads(json.dumps(report.to_dict()))
    assert found["verdict"] == "reject"
    assert found["reasons"] == list(report.reasons)
    assert found["failed"] == ["laplacian_variance"]
    assert found["gamma"] == report.gamma
    assert found["thresholds"] == {"min_laplacian": 15.0, "min_gamma": 0.15}


@pytest.mark.parametrize("name", ["min_laplacian", "min_gamma"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_thresholds_must_be_numbers_of_at_least_0(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; a number of at least 0"):
        quality.Thresholds(**{name: value})


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode is 'best'; one of classic, normalised"):
        quality.check(SHARP, mode="best")  # type: ignore[arg-type]


def test_the_recommended_gate_has_its_own_thresholds() -> None:
    """Sharpness at the common working size, and the pair that the study found."""
    report = quality.check(SHARP, mode="recommended")
    assert report.thresholds == quality.RECOMMENDED_THRESHOLDS
    large = cv2.resize(SHARP, (1800, 1350), interpolation=cv2.INTER_CUBIC)
    enlarged = quality.check(np.asarray(large, np.uint8), mode="recommended")
    assert enlarged.notes == ()
    assert (enlarged.verdict, enlarged.recommended_verdict) == ("accept", "accept")


def test_every_mode_says_what_the_recommended_one_would() -> None:
    least = quality.RECOMMENDED_THRESHOLDS
    assert least.min_gamma < 0.15 or least.min_laplacian < 15  # it is the more lenient somewhere
    for image in (SHARP, BLURRED, PALE):
        expected = quality.check(image, mode="recommended").verdict
        for mode in quality.GATES:
            assert quality.check(image, mode=mode).recommended_verdict == expected
    own = quality.Thresholds(1e9, 0.5)
    assert quality.check(SHARP, own).verdict == "reject"
    assert quality.check(SHARP, own).recommended_verdict == "accept"
