"""What a run's log says; no network is trained."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining.training import callbacks
from retraining.training.callbacks import log_row, run_loggers
from retraining.training.config import Stage, TrainConfig
from retraining.training.run_folder import LOG_FILE, best_epoch, kept_size, read_log


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
    last = config.replace(monitor="last")
    assert kept_size(last, [row | {"epoch": n} for n, row in enumerate(log, 1)]) == 48


def test_a_row_that_was_cut_off_as_it_was_written_is_left_out(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []
    (tmp_path / LOG_FILE).write_text("epoch,loss\r\n1,0.5\r\n2,0.")
    assert read_log(tmp_path) == [{"epoch": 1.0, "loss": 0.5}]


def test_the_log_is_lightnings_with_tensorboards_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(callbacks, "find_spec", lambda name: None)
    (csv,) = run_loggers(tmp_path)
    monkeypatch.setattr(callbacks, "find_spec", lambda name: name == "tensorboard")
    monkeypatch.setattr(callbacks, "TensorBoardLogger", lambda *where, **_: made.append(where))
    assert len(run_loggers(tmp_path)) == 2
    assert made == [(tmp_path, "tensorboard")]
    for epoch in (1, 2):
        log_row([csv], {"epoch": epoch, "loss": 1 / epoch})
    assert read_log(tmp_path) == [
        {"epoch": 1, "loss": 1, "step": 1},
        {"epoch": 2, "loss": 0.5, "step": 2},
    ]
