"""The engine: stopping and going on, last layers on cached features, files written whole."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.checkpoint.weights import load_network, save_checkpoint
from models.errors import CheckpointError
from retraining.training import train as training
from retraining.training.config import Stage, TrainConfig, load_config, load_recipe
from retraining.training.lesion_module import LesionModule
from retraining.training.run_folder import load_trained, read_log, read_run, write_run
from retraining.training.train import StoppedError, train
from retraining.transforms.augmentation import Augmentation
from tests.models.pretrained.test_pretrained import card_of, seeded
from tests.retraining.tiny import write_tiny_split

ROOT = Path(__file__).resolve().parents[3]
CLOCK = ("seconds", "waiting_share")


def scores(run: Path) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k not in CLOCK} for row in read_log(run)]


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_split(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def config(splits: Path) -> TrainConfig:
    """Three epochs of all that has a state: average, momentum, schedule, chances, patience."""
    return TrainConfig(
        backbone="resnet18",
        weights="none",
        splits=str(splits),
        stages=(Stage(size=32, epochs=2), Stage(size=40, epochs=1)),
        batch_size=14,
        mixup=0.2,
        ema=0.8,
        patience=5,
        precision="f32",
    )


@pytest.fixture(scope="module")
def run(config: TrainConfig, cache: Path) -> Path:
    return train(config, cache / "whole", cache)


def test_ctrl_c_leaves_a_run_that_goes_on_as_if_nothing_had_been(
    run: Path, config: TrainConfig, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = LesionModule.training_step

    def interrupted(self: LesionModule, batch: object, index: int) -> torch.Tensor:
        if (self.current_epoch, index) == (1, 1):
            raise KeyboardInterrupt
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(LesionModule, "training_step", interrupted)
        with pytest.raises(StoppedError, match="stopped after 1 of 3 epochs; the same command"):
            train(config, tmp_path / "run", cache)
    train(config, tmp_path / "run", cache)
    assert scores(tmp_path / "run") == scores(run)
    kept, expected = (torch.load(r / "best.pt", weights_only=True) for r in (tmp_path / "run", run))
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from retraining.training.config import load_config
from retraining.training.lesion_module import LesionModule
from retraining.training.run_folder import read_log
from retraining.training.train import train

cache = Path(sys.argv[1])
step, save = LesionModule.training_step, torch.save

def killed_step(self, batch, index):
    if where == "epoch" and (self.current_epoch, index) == (1, 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, index)

def killed_save(content, file, *args, **kwargs):
    if where == "write" and "state" in Path(file).name and len(read_log(out)) == 2:
        Path(file).write_bytes(b"half of a checkpoint")
        os.kill(os.getpid(), signal.SIGKILL)
    return save(content, file, *args, **kwargs)

LesionModule.training_step, torch.save = killed_step, killed_save
for line in sys.stdin:  # a process for each, forked from one that has loaded torch
    name, where = line.split()
    out = Path(name)
    child = os.fork()
    if not child:
        train(load_config(out.parent / "config.yaml"), out, cache)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_killed_in_an_epoch_and_in_a_write_it_goes_on_as_if_nothing_had_been(
    run: Path, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    out, whole = tmp_path / "run", tmp_path / "whole"

    def start(folder: Path, where: str) -> int:
        # All in processes of their own: sums differ in the last digit with this one's history.
        assert parent.stdin
        assert parent.stdout
        parent.stdin.write(f"{folder} {where}\n")
        parent.stdin.flush()
        return int(parent.stdout.readline())

    command = [sys.executable, "-c", KILLED, str(cache)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        for where, epochs in (("epoch", 1), ("write", 2)):
            assert start(out, where) == -9
            assert len(read_log(out)) == epochs
        assert [left.read_bytes() for left in out.glob(".state-*")] == [b"half of a checkpoint"]
        assert (start(out, "never"), start(whole, "never")) == (0, 0)
    for ours, theirs in zip(scores(out), scores(whole), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)
    assert not list(out.glob(".*"))


def test_a_full_disk_is_told_and_leaves_the_last_state_whole(
    run: Path, config: TrainConfig, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, states = torch.save, []

    def full(content: object, file: Path, *args: object) -> None:
        if "state" in Path(file).name:
            states.append(file)
            if len(states) == 2:
                Path(file).write_bytes(b"half")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(content, file, *args)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(OSError, match="No space left on device"):
            train(config, tmp_path / "run", cache)
    assert not list((tmp_path / "run").glob(".*"))
    state = torch.load(tmp_path / "run" / "state.ckpt", weights_only=True)
    assert state["epoch"] == 0
    train(config, tmp_path / "run", cache)
    assert scores(tmp_path / "run") == scores(run)


def test_a_run_says_what_made_it(run: Path, config: TrainConfig) -> None:
    about = read_run(run)
    assert about["taxonomy"]["codes"][0] == "akiec"
    assert about["seconds"] == pytest.approx(sum(row["seconds"] for row in read_log(run)))
    assert about["precision"] == "32-true"
    assert {"torch", "lightning"} <= set(about["versions"])
    assert about["best"]["val_macro_auc"] == max(row["val_macro_auc"] for row in read_log(run))
    page = (run / "curves.html").read_text()
    assert "Learning rate" in page
    assert not re.search(r"<(script|link)[^>]* (src|href)=", page)


def test_a_finished_run_is_left_alone(run: Path, config: TrainConfig, cache: Path) -> None:
    before = (run / "metrics.csv").stat().st_mtime_ns
    train(config.replace(workers=2), run, cache)
    assert (run / "metrics.csv").stat().st_mtime_ns == before


def test_patience_ends_a_run_for_good(config: TrainConfig, cache: Path, tmp_path: Path) -> None:
    # Nothing is learnt, so nothing gets better.
    still = config.replace(
        stages=(Stage(size=32, epochs=6),),
        patience=2,
        lr=1e-12,
        ema=0.0,
        freeze_batchnorm=True,
        monitor="val_loss",
    )
    for _ in range(2):
        train(still, tmp_path / "run", cache)
        assert 3 <= len(read_log(tmp_path / "run")) < 6


def test_a_loss_that_is_not_a_number_is_told(
    config: TrainConfig, cache: Path, tmp_path: Path
) -> None:
    wild = config.replace(lr=1e30, clip=0.0)
    with pytest.raises(ValueError, match=r"the loss of epoch \d is (nan|inf); a smaller lr"):
        train(wild, tmp_path / "run", cache)


@pytest.fixture(scope="module")
def heads(splits: Path, cache: Path) -> dict[str, Path]:
    """The same last layer trained on cached features and by the plain loop."""
    runs = {}
    for mode in ("always", "never"):
        config = load_recipe(
            "linear_probe",
            [f"cached_features={mode}", "size=32", "epochs=4", "batch_size=8", "precision=f32"],
            backbone="resnet18",
            weights="none",
            splits=str(splits),
        )
        runs[mode] = train(config, cache / f"head-{mode}", cache)
    return runs


def test_cached_features_give_the_plain_loops_last_layer(heads: dict[str, Path]) -> None:
    cached, plain = (torch.load(run / "state.ckpt", weights_only=True) for run in heads.values())
    for name in ("weight", "bias"):
        ours = cached["state_dict"][f"network.{name}"]
        theirs = plain["state_dict"][f"network.fc.{name}"]
        assert ours.abs().max() > 1e-2
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    for ours, theirs in zip(*map(scores, heads.values()), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert [read_run(run)["cached_features"] for run in heads.values()] == [True, False]


def test_a_last_layer_is_kept_alone_and_finds_its_backbone(
    heads: dict[str, Path], tmp_path: Path
) -> None:
    cached, plain = (load_trained(run)[0] for run in heads.values())
    kept = torch.load(heads["always"] / "best.pt", weights_only=True)
    assert set(kept) == {"fc.weight", "fc.bias"}
    batch = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(cached(batch), plain(batch), rtol=0, atol=1e-3)
    source = read_run(heads["always"])["backbone_weights"]
    save_checkpoint(tmp_path / "head", cached.state_dict(), card_of(source))
    loaded, _ = load_network(tmp_path / "head")
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch), cached(batch), rtol=1e-2, atol=1e-2)


def test_another_backbone_than_the_last_layers_is_refused(
    heads: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("config.yaml", "best.pt", "run.json"):
        (tmp_path / name).write_bytes((heads["always"] / name).read_bytes())
    source = read_run(tmp_path)["backbone_weights"]
    write_run(tmp_path, backbone_weights={**source, "seed": 1})
    with pytest.raises(CheckpointError, match="is not the one that the last layer was trained on"):
        load_trained(tmp_path)


def test_features_are_made_once(heads: dict[str, Path], cache: Path, tmp_path: Path) -> None:
    assert len(list(cache.glob("features-resnet18-32-*.npy"))) == 5  # four views, and val
    assert {path.suffix for path in cache.iterdir() if path.is_file()} == {".npy"}

    before = {path: path.stat().st_mtime_ns for path in cache.glob("features-*.npy")}
    config = load_config(heads["always"] / "config.yaml", ["lr=0.01"])
    train(config, tmp_path / "run", cache)
    assert {path: path.stat().st_mtime_ns for path in cache.glob("features-*.npy")} == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"freeze": 0}, "freeze is not backbone"),
        ({"mixup": 0.1}, "mixup and cutmix change pictures"),
        ({"augmentation": Augmentation()}, "augmentation does more than mirror"),
    ],
)
def test_features_cannot_stand_for_changed_pictures(
    heads: dict[str, Path], changed: dict[str, object], message: str
) -> None:
    config = load_config(heads["always"] / "config.yaml")
    with pytest.raises(ValueError, match=message):
        training.uses_features(config.replace(**changed))
    assert not training.uses_features(config.replace(**changed, cached_features="auto"))


def test_weights_of_another_backbone_are_refused(
    config: TrainConfig, cache: Path, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "other", seeded().state_dict(), card_of({}))
    wrong = config.replace(backbone="resnet34", weights=str(tmp_path / "other"))
    with pytest.raises(ValueError, match=r"a checkpoint of resnet18; the backbone of this run is"):
        train(wrong, tmp_path / "run", cache)
