"""`explain` with a real checkpoint: places, targets, seeds, progress, bad input."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from interpretability import METHODS, Cancelled, Explainer, Unsupported, explain
from interpretability.attribution.explainer import to_picture
from models.checkpoint.card import CARD_FILE
from models.errors import CheckpointError
from quality.arrays import RGBImage
from tests.interpretability.attribution.test_backbones import LOWEST

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DIR", str(cache))


@pytest.fixture(scope="module")
def explainer(tiny: Path) -> Explainer:
    return Explainer(tiny)


@pytest.fixture(scope="module")
def opened_for(explainer: Explainer, tiny_transformer: Path) -> Callable[[str], Explainer]:
    """A checkpoint that a method works with."""
    other = Explainer(tiny_transformer)
    return lambda method: other if explainer.refusal(method) else explainer


@pytest.mark.parametrize("method", METHODS)
def test_same_input_same_map_and_progress(
    method: str, opened_for: Callable[[str], Explainer], picture: RGBImage
) -> None:
    told: list[float] = []
    explainer = opened_for(method)
    first, second = (
        explainer.explain(picture, method=method, settings=LOWEST.get(method), progress=told.append)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.map, second.map)
    assert first.map.shape == picture.shape[:2]
    assert first.map.dtype == np.float32
    once = told[: told.index(1.0) + 1]
    assert once == sorted(once)
    assert once[0] == 0
    named = (first.method, first.precision, first.model)
    assert named == (method, "Medium", explainer.card.name)


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_maps_turn_with_the_picture(method: str, explainer: Explainer, picture: RGBImage) -> None:
    """Of a turned copy the map is the turned map: it shows the picture as the user sees it."""
    plain = explainer.explain(picture, method=method)
    turned = explainer.explain(np.ascontiguousarray(np.rot90(picture)), method=method)
    assert (turned.predicted, turned.probability) == (plain.predicted, plain.probability)
    np.testing.assert_array_equal(turned.map, np.rot90(plain.map))


def test_expected_passes_are_those_that_run(
    opened_for: Callable[[str], Explainer], picture: RGBImage
) -> None:
    """What progress counts up to is what `passes` foretells."""
    for method, entry in METHODS.items():
        told: list[float] = []
        explainer = opened_for(method)
        explainer.explain(picture, method=method, settings=LOWEST.get(method), progress=told.append)
        last = max(share for share in told if share < 1)
        assert 0.7 < last <= 0.99, (method, entry.passes(entry.settings("Low")), told)


def test_targets(explainer: Explainer, picture: RGBImage) -> None:
    probabilities = explainer.probabilities(picture)
    codes = explainer.card.taxonomy.codes
    predicted = explainer.explain(picture)
    assert predicted.target == predicted.predicted == codes[int(probabilities.argmax())]
    assert predicted.probability == pytest.approx(probabilities.max())
    named = explainer.explain(picture, target="bcc")
    assert (named.target, named.predicted) == ("bcc", predicted.predicted)
    assert named.probability == pytest.approx(probabilities[1])
    malignant = explainer.explain(picture, target="malignant")
    assert malignant.probability == pytest.approx(probabilities[[0, 1, 4]].sum())
    assert not np.array_equal(malignant.map, named.map)


def test_the_predicted_class_is_that_at_the_prior(explainer: Explainer, picture: RGBImage) -> None:
    usual = explainer.explain(picture)
    codes = explainer.card.taxonomy.codes
    prior = {code: 0.01 if code == usual.target else 0.165 for code in codes}
    weighted = explainer.probabilities(picture) * [prior[code] for code in codes]
    weighted /= weighted.sum()
    found = explainer.explain(picture, prior=prior)
    assert found.target == found.predicted == codes[int(weighted.argmax())] != usual.target
    assert found.probability == pytest.approx(weighted.max())
    named = explainer.explain(picture, target=usual.target, prior=prior)
    assert named.probability == pytest.approx(weighted[codes.index(usual.target)])
    np.testing.assert_array_equal(named.map, usual.map)  # a class's logit knows no frequencies
    malignant = explainer.explain(picture, target="malignant", prior=prior)
    assert malignant.probability == pytest.approx(weighted[[0, 1, 4]].sum())
    with pytest.raises(ValueError, match="prior must name each class once"):
        explainer.explain(picture, prior={"nv": 1.0})


def test_the_predicted_class_is_that_of_several_views(
    explainer: Explainer, picture: RGBImage
) -> None:
    from models.inference.classifier import Classifier

    served = Classifier(explainer.folder, tta=True).predict_one(picture)
    found = explainer.explain(picture, tta=True)
    assert found.target == found.predicted == served.code
    assert found.probability == pytest.approx(served.probability)


def test_a_large_picture_may_have_a_smaller_map(explainer: Explainer, picture: RGBImage) -> None:
    whole = explainer.explain(picture)
    small = explainer.explain(picture, max_pixels=30 * 40)
    assert small.map.shape == (30, 40)
    assert small.probability == whole.probability  # the network saw the same
    assert np.corrcoef(small.map.ravel(), whole.map[1::3, 1::3].ravel())[0, 1] > 0.99
    assert explainer.explain(picture, max_pixels=90 * 120).map.shape == (90, 120)


def test_the_score_of_malignant_is_its_log_odds() -> None:
    import torch

    from interpretability.attribution.target import Target

    logits = np.random.default_rng(0).normal(size=(5, 7)) * 3
    target = Target("malignant", (0, 1, 4), 1.7)
    shares = torch.softmax(torch.from_numpy(logits) / 1.7, 1)[:, [0, 1, 4]].sum(1)
    expected = torch.log(shares / (1 - shares)).numpy()
    np.testing.assert_allclose(target.score(logits), expected, atol=1e-6)
    found = target.score_tensor(torch.from_numpy(logits)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(40, 200), (300, 90), (64, 64), (20, 20)])
def test_maps_lie_where_the_picture_does(shape: tuple[int, int]) -> None:
    """A bright cell of the square comes back to the same relative place of the picture."""
    height, width = shape
    square = np.zeros((64, 64), np.float32)
    square[48:52, 12:16] = 1
    found = to_picture(square, height, width)
    assert found.shape == shape
    y, x = np.unravel_index(cv2.GaussianBlur(found, (0, 0), 1).argmax(), shape)
    assert abs((y + 0.5) / height - 50 / 64) < 0.04
    assert abs((x + 0.5) / width - 14 / 64) < 0.04


def test_cancelling_stops_between_batches(explainer: Explainer, picture: RGBImage) -> None:
    asked: list[float] = []
    with pytest.raises(Cancelled):
        explainer.explain(
            picture,
            method="occlusion",
            precision="High",
            progress=asked.append,
            cancelled=lambda: len(asked) > 3,
        )
    assert max(asked) < 0.3


def test_random_numbers_of_the_caller_stay(explainer: Explainer, picture: RGBImage) -> None:
    import torch

    np.random.seed(5)
    torch.manual_seed(5)
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # type: ignore[index]
    explainer.explain(picture, method="gradient_shap", settings={"samples": 2})
    np.testing.assert_array_equal(before[0], np.random.get_state()[1])  # type: ignore[index]
    assert torch.equal(before[1], torch.get_rng_state())


def test_bad_input(tiny: Path, tmp_path: Path, picture: RGBImage) -> None:
    with pytest.raises(ValueError, match=r"unknown method 'grad-cam'. Did you mean 'gradcam'\?"):
        explain(picture, model=tiny, method="grad-cam")
    with pytest.raises(ValueError, match="precisions are Low, Medium, High"):
        explain(picture, model=tiny, precision="highest")
    with pytest.raises(ValueError, match="unknown class 'xyz'; the classes are akiec"):
        explain(picture, model=tiny, target="xyz")
    with pytest.raises(ValueError, match="lime has no parameter 'steps'; it has: samples"):
        explain(picture, model=tiny, method="lime", settings={"steps": 5})
    with pytest.raises(ValueError, match="samples must be a whole number from 20 to 10000"):
        explain(picture, model=tiny, method="lime", settings={"samples": 5})
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / CARD_FILE).write_bytes((tiny / CARD_FILE).read_bytes())
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        explain(picture, model=empty)


def test_a_refused_pair_is_a_sentence(tiny: Path, picture: RGBImage) -> None:
    explainer = Explainer(tiny)
    explainer.backbones = ["efficientnet_b0"]
    with pytest.raises(Unsupported, match="efficientnet_b0 has SiLU"):
        explainer.explain(picture, method="guided_gradcam")
