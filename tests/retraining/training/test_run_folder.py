"""What a run's log says; no network is trained."""

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.training.config import Stage, TrainConfig
from retraining.training.run_folder import best_epoch, kept_size


@pytest.mark.parametrize(
    ("aucs", "epoch", "size"),
    [((0.8, 0.9, 0.7), 2, 32), ((0.8, 0.8, 0.9), 3, 48), ((float("nan"), 0.1, 0.1), 2, 32)],
)
def test_the_kept_epoch_and_its_size(aucs: tuple[float, ...], epoch: int, size: int) -> None:
    config = TrainConfig(
        stages=(Stage(size=32, epochs=2), Stage(size=48, epochs=1)), monitor="macro_auc"
    )
    log = [{"val_macro_auc": auc} for auc in aucs]
    assert best_epoch(config, log) == epoch
    assert kept_size(config, log) == size
