"""Maps and measures where the answer is known: a linear model, one that sees one quadrant."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from interpretability.attribution.target import Target
from interpretability.attribution.task import skin
from interpretability.faithfulness import curves
from interpretability.faithfulness.localisation import (
    points_inside,
    rank_correlation,
    share_inside,
)
from quality.arrays import RGBImage
from tests.interpretability.conftest import SIZE, MakeTask

HALF = SIZE // 2
Answers = NDArray[np.float64]


def quadrant(squares: RGBImage) -> Answers:
    """How dark the upper left quadrant is; blind to the rest."""
    return np.asarray(1 - squares[:, :HALF, :HALF].mean(axis=(1, 2, 3)) / 255, np.float64)


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float64]:
    return np.random.default_rng(1).normal(size=(SIZE, SIZE))


@pytest.fixture(scope="module")
def square() -> RGBImage:
    return np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


def linear(weights: NDArray[np.float64], squares: RGBImage) -> Answers:
    return np.asarray(np.einsum("nhwc,hw->n", squares / 255, weights), np.float64)


def contributions(weights: NDArray[np.float64], square: RGBImage) -> NDArray[np.float64]:
    """What each pixel adds to a linear model's score beyond plain skin."""
    change = square.astype(np.float64) - skin(square)
    return np.asarray(weights * change.sum(axis=-1) / 255)


def test_no_order_deletes_better_than_the_contributions_of_a_linear_model(
    weights: NDArray[np.float64], square: RGBImage
) -> None:
    def score(squares: RGBImage) -> Answers:
        return linear(weights, squares)

    known = contributions(weights, square)
    best = curves.deletion(score, square, skin(square), known)
    worst = curves.deletion(score, square, skin(square), -known)
    areas = [
        curves.deletion(score, square, skin(square), curves.random_map(SIZE, seed)).area
        for seed in range(20)
    ]
    assert best.area < min(areas) <= max(areas) < worst.area
    assert best.score[0] == pytest.approx(score(square[None])[0])
    assert best.score[-1] == pytest.approx(score(skin(square)[None])[0])
    # By hand: after k of n pixels the score has lost the k largest contributions.
    falls = np.concatenate([[0], np.cumsum(np.sort(known.ravel())[::-1])])
    at = np.rint(best.share * known.size).astype(int)
    np.testing.assert_allclose(best.score, best.score[0] - falls[at], atol=1e-6)
    up = curves.insertion(score, square, skin(square), known)
    np.testing.assert_allclose(up.score, best.score[-1] + falls[at], atol=1e-6)
    assert curves.gain(best.area, np.mean(areas), best.area) == 1
    assert curves.gain(np.mean(areas), np.mean(areas), best.area) == 0


def test_area_is_the_trapezoid_rule() -> None:
    curve = curves.Curve(np.array([0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0]))
    assert curve.area == 0.5


@pytest.mark.torch
def test_infidelity_of_a_linear_model(weights: NDArray[np.float64], square: RGBImage) -> None:
    from interpretability.faithfulness.stability import infidelity

    def score(squares: RGBImage) -> Answers:
        return linear(weights, squares)

    known = contributions(weights, square).astype(np.float32)
    assert infidelity(score, square, skin(square), known) < 1e-6
    assert infidelity(score, square, skin(square), 7 * known) < 1e-6  # units do not matter
    none = np.zeros_like(known)
    assert infidelity(score, square, skin(square), none) == pytest.approx(1, abs=1e-5)
    other = curves.random_map(SIZE, 5)
    assert 0.3 < infidelity(score, square, skin(square), other) <= 1.0001
    assert np.isnan(infidelity(lambda s: np.zeros(len(s)), square, skin(square), known))


@pytest.mark.torch
def test_sensitivity_of_known_explanations(square: RGBImage) -> None:
    from interpretability.faithfulness.stability import RADIUS, sensitivity

    fixed = np.ones((SIZE, SIZE), np.float32)
    assert sensitivity(lambda _picture: fixed, square) == 0
    grey = np.full_like(square, 128)
    found = sensitivity(lambda picture: picture[..., 0].astype(np.float32), grey)
    # Uniform noise of +-8 around 128: its deviation is 8 / sqrt(3).
    assert found == pytest.approx(RADIUS / np.sqrt(3) / 128, rel=0.1)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("occlusion", {"window": 0.125, "stride": 0.125}),
        ("lime", {"samples": 400, "superpixels": 16}),
        ("kernel_shap", {"samples": 400, "superpixels": 16}),
    ],
)
def test_methods_find_the_quadrant(
    method: str, settings: dict[str, float], make_task: MakeTask
) -> None:
    from interpretability.attribution.explainer import compute

    picture = np.full((SIZE, 2 * SIZE, 3), 220, np.uint8)  # twice as wide as high
    picture[4:60, 8:120] = 90
    found = compute(method, make_task(picture, settings, scores=quadrant))
    assert found.shape == picture.shape[:2]
    inside = np.zeros(found.shape, bool)
    inside[:HALF, :SIZE] = True
    # Superpixels may reach a little over the middle.
    assert share_inside(found, inside) > (0.99 if method == "occlusion" else 0.6)
    assert points_inside(found, inside)


@pytest.mark.torch
def test_attention_finds_the_patch_that_speaks_for_the_class(make_task: MakeTask) -> None:
    """Of a layer that attends everywhere alike and passes on how bright a patch is."""
    import torch
    from timm.models.vision_transformer import VisionTransformer

    from interpretability.attribution.explainer import compute
    from interpretability.attribution.networks import Networks

    size = 4 * 14
    network = VisionTransformer(
        size, 14, num_classes=2, global_pool="avg", embed_dim=4, depth=1, num_heads=1,
        class_token=True, fc_norm=False,
    )  # fmt: skip
    (block,) = network.blocks
    block.norm1 = block.norm2 = network.norm = torch.nn.Identity()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.patch_embed.proj.weight[0] = 1
        block.attn.qkv.weight[8:] = torch.eye(4)
        block.attn.proj.weight.copy_(torch.eye(4))
        network.head.weight[0, 0], network.head.weight[1, 0] = 1, -1
    card = SimpleNamespace(backbone="vit_small_patch14_dinov2", members=[])
    networks = Networks(network, card)  # type: ignore[arg-type]
    picture = np.full((size, size, 3), 100, np.uint8)
    picture[14:28, 28:42] = 220
    inside = (picture == 220).all(-1)
    bright, dark = (
        compute("attention", make_task(picture, networks=networks, size=size, target=target))
        for target in (Target("nv", (0,)), Target("mel", (1,)))
    )
    assert points_inside(bright, inside)
    middle = bright[21, 35]
    assert bright[7, 7] == bright[49, 49] == 0 < middle  # others are darker than grey
    assert not points_inside(dark, inside)
    assert dark[21, 35] < 0.1 * dark[7, 7]  # beside the middle of its patch


@pytest.mark.torch
def test_kernel_shap_adds_up(make_task: MakeTask, picture: RGBImage) -> None:
    from interpretability.attribution.explainer import compute
    from interpretability.attribution.superpixels import superpixels

    task = make_task(picture, {"samples": 300, "superpixels": 8}, scores=quadrant)
    found = compute("kernel_shap", task)
    labels = superpixels(picture, 8)
    values = [found[picture_labels].mean() for picture_labels in _regions(labels, found.shape)]
    change = quadrant(task.square[None])[0] - quadrant(skin(task.square)[None])[0]
    assert sum(values) == pytest.approx(change, abs=2e-3)


def _regions(labels: NDArray[np.int32], shape: tuple[int, ...]) -> list[NDArray[np.bool_]]:
    from interpretability.attribution.superpixels import stretched

    grown = stretched(labels, shape[1], shape[0])
    return [grown == label for label in np.unique(grown)]


def test_share_inside_and_pointing_by_hand() -> None:
    values = np.array([[3.0, 1.0], [-5.0, 0.0]])
    left = np.array([[True, False], [True, False]])
    assert share_inside(values, left) == 0.75
    assert points_inside(values, left)
    assert not points_inside(-values, ~left)
    assert points_inside(-values, left)
    assert np.isnan(share_inside(-np.ones((2, 2)), left))
    assert share_inside(np.ones((2, 2)), left) == left.mean()


def test_rank_correlation_is_scipys() -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    first, second = random.integers(0, 9, (2, 12, 12)).astype(float)  # with ties
    expected = spearmanr(first.ravel(), second.ravel()).statistic
    assert rank_correlation(first, second) == pytest.approx(expected)
    assert rank_correlation(first, first) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    assert np.isnan(rank_correlation(first, np.ones_like(first)))
