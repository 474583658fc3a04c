"""The loss against torch's own, and what an epoch draws."""

from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional

from models.registry.taxonomy import HAM10000
from retraining.training.config import TrainConfig
from retraining.training.epoch_plan import Mix, Sampling
from retraining.training.lesion_module import mixed
from retraining.training.losses import LabelLoss, loss_weights

COUNTS = np.array([30, 50, 110, 10, 110, 670, 14])
LABELS = np.repeat(np.arange(7), COUNTS)
CODES = HAM10000.codes


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(9, 7, generator=generator), torch.arange(9) % 7


@pytest.mark.parametrize("rule", ["none", "inverse", "sqrt_inverse", "effective"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_torchs_cross_entropy(
    batch: tuple[torch.Tensor, torch.Tensor], rule: str, smoothing: float
) -> None:
    config = TrainConfig(class_weights=rule, label_smoothing=smoothing)
    weight = loss_weights(config, COUNTS, CODES)
    logits, labels = batch
    expected = functional.cross_entropy(
        logits,
        labels,
        weight=None if weight is None else torch.from_numpy(weight).float(),
        label_smoothing=smoothing,
    )
    found = LabelLoss(config, weight)(logits, functional.one_hot(labels, 7).float())
    torch.testing.assert_close(found, expected)


def test_inverse_weights_make_classes_weigh_the_same() -> None:
    weight = loss_weights(TrainConfig(class_weights="inverse"), COUNTS, CODES)
    assert weight is not None
    np.testing.assert_allclose(weight * COUNTS, COUNTS.sum() / 7)
    named = loss_weights(TrainConfig(class_weights={"mel": 3}), COUNTS, CODES)
    assert named is not None
    np.testing.assert_allclose(named / named[0], [1, 1, 1, 1, 3, 1, 1])
    with pytest.raises(ValueError, match="class_weights names the class 'melanoma'"):
        loss_weights(TrainConfig(class_weights={"melanoma": 3}), COUNTS, CODES)


def test_focal_loss_by_hand(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = batch
    p = functional.softmax(logits, 1)[torch.arange(9), labels]
    expected = (-((1 - p) ** 2) * p.log()).mean()
    found = LabelLoss(TrainConfig(loss="focal"), None)(
        logits, functional.one_hot(labels, 7).float()
    )
    torch.testing.assert_close(found, expected)
    plain = LabelLoss(TrainConfig(loss="focal", focal_gamma=0.0), None)
    torch.testing.assert_close(
        plain(logits, functional.one_hot(labels, 7).float()),
        functional.cross_entropy(logits, labels),
    )


def drawn(config: TrainConfig, epoch: int = 0) -> np.ndarray:
    return LABELS[Sampling(config, LABELS, CODES).plan(epoch).rows]


def test_the_sampling_exponent_sets_how_even_the_classes_are() -> None:
    even = np.bincount(drawn(TrainConfig(sampling=1.0)), minlength=7)
    assert even.min() > 0.7 * len(LABELS) / 7
    natural = np.bincount(drawn(TrainConfig(sampling=0.0)), minlength=7)
    assert abs(natural[5] / natural.sum() - 0.67) < 0.05
    assert even.sum() == natural.sum() == len(LABELS) // 32 * 32


def test_without_a_sampler_every_image_comes_once() -> None:
    config = TrainConfig(sampler="none", batch_size=2)
    rows = Sampling(config, LABELS, CODES).plan(0).rows
    assert len(set(rows)) == len(rows) == len(LABELS)
    other = Sampling(config, LABELS, CODES).plan(1).rows
    assert (rows != other).any()
    assert (rows == Sampling(config, LABELS, CODES).plan(0).rows).all()


def test_multipliers_repeat_the_images_of_a_class() -> None:
    times = {"akiec": 15, "bcc": 10, "bkl": 5, "df": 50, "mel": 5, "nv": 1, "vasc": 40}
    config = TrainConfig(sampler="none", multipliers=times, batch_size=2)
    sampling = Sampling(config, LABELS, CODES)
    rows = sampling.plan(0).rows
    repeats = Counter(rows)
    assert sampling.images == (COUNTS * list(times.values())).sum()
    assert {repeats[row] for row in np.flatnonzero(LABELS == 3)} == {50}
    np.testing.assert_allclose(sampling.drawn.sum(), 1)
    with pytest.raises(ValueError, match="multipliers names the class 'wart'"):
        Sampling(config.replace(multipliers={"wart": 2}), LABELS, CODES)


def test_a_class_without_images_is_named() -> None:
    with pytest.raises(ValueError, match="there is none of vasc"):
        Sampling(TrainConfig(), LABELS[LABELS != 6], CODES)


def test_a_batch_larger_than_train_is_told() -> None:
    with pytest.raises(ValueError, match="batch_size is 2000, but train has 994 images"):
        Sampling(TrainConfig(batch_size=2000), LABELS, CODES)


def test_mixup_and_cutmix_by_hand() -> None:
    raw = torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)])
    target = torch.eye(2)
    partner = np.array([1, 0])
    mixed_up, soft = mixed(raw, target, Mix(0.25, partner))
    assert mixed_up[0].unique().tolist() == [0.75]
    assert soft[0].tolist() == [0.25, 0.75]
    cut, soft = mixed(raw, target, Mix(0.25, partner, (0.5, 1.0, 0.0, 0.5)))
    assert cut[0, 0, 4:, :4].eq(1).all()
    assert cut[0].sum() == 3 * 16
    assert soft[0].tolist() == [0.75, 0.25]


def test_either_mix_is_drawn_where_both_are_on() -> None:
    sampling = Sampling(TrainConfig(mixup=0.4, cutmix=1.0, batch_size=10), LABELS, CODES)
    mixes = sampling.plan(0).mixes
    cut = [mix for mix in mixes if mix and mix.box]
    assert 0.3 < len(cut) / len(mixes) < 0.7
    assert all(sorted(mix.partner) == list(range(10)) for mix in mixes if mix)
    off = Sampling(TrainConfig(), LABELS, CODES).plan(0).mixes
    assert set(off) == {None}


def test_an_epoch_draws_as_many_pictures_as_it_is_told() -> None:
    config = TrainConfig(sampler="weighted", batch_size=8, epoch_images=30)
    sampling = Sampling(config, LABELS, CODES)
    assert (sampling.steps, len(sampling.plan(0).rows)) == (3, 24)
