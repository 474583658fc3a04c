"""A ResNeXt50 whose blocks learn what a published ResNet50's give."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.pretrained import keras_resnet50
from models.registry.backbones import build_network
from retraining.training.config import TrainConfig
from retraining.training.hints import Hints, begin_alike, blocks
from retraining.training.run_folder import read_log
from retraining.training.train import train
from tests.retraining.tiny import write_tiny_split


def test_a_resnext_begins_with_what_both_have(keras_archive: Path) -> None:
    torch.manual_seed(0)
    network = build_network("resnext50_32x4d", 7)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    begin_alike(network, keras_archive)
    given = keras_resnet50.load(keras_archive).state_dict()
    after = network.state_dict()
    same = [n for n in given if given[n].shape == after[n].shape and after[n].equal(given[n])]
    taken = {name.rpartition(".")[0] for name in same}
    assert {
        "conv1",
        "bn1",
        "layer1.0.downsample.0",
        "layer4.0.downsample.1",
        "layer2.3.bn3",
    } < taken
    for name in ("layer1.0.conv1.weight", "layer3.2.conv2.weight", "fc.weight", "fc.bias"):
        assert torch.equal(after[name], before[name])


def test_a_network_that_gives_the_same_misses_nothing(keras_archive: Path) -> None:
    """However much of its input a block takes from those below it."""
    own = keras_resnet50.load(keras_archive).requires_grad_(False)
    hints = Hints(own, keras_archive)
    pictures = torch.randn(2, 3, 64, 64)
    for alone in (0.0, 0.5, 1.0):
        logits, missing = hints(pictures, alone)
        torch.testing.assert_close(logits, own(pictures))
        assert float(missing) == pytest.approx(0, abs=1e-6)


def test_only_blocks_that_stand_alone_pass_errors_on(keras_archive: Path) -> None:
    own = keras_resnet50.load(keras_archive).requires_grad_(False)
    first = blocks(own)[0]
    with torch.no_grad():
        first.bn3.bias += 0.5  # type: ignore[union-attr, operator]
    hints = Hints(own, keras_archive)
    pictures = torch.randn(2, 3, 64, 64)
    given, alone = (float(hints(pictures, share)[1]) for share in (0.0, 1.0))
    assert 0 < given < alone


def test_a_run_with_hints_learns_what_is_given(keras_archive: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        backbone="resnext50_32x4d",
        weights="none",
        hints=str(keras_archive),
        splits=str(write_tiny_split(tmp_path / "tiny")),
        stages=({"size": 64, "epochs": 6},),  # type: ignore[arg-type]
        batch_size=14,
        ema=0,
        lr=1e-3,
        precision="f32",
    )
    run = train(config, tmp_path / "run", tmp_path / "cache")
    losses = [row["loss"] for row in read_log(run)]
    assert losses[5] < losses[2]  # from the third on blocks stand alone


def test_hints_are_for_a_whole_resnext_without_weights() -> None:
    for other in ({"backbone": "resnet18"}, {"weights": "imagenet"}, {"freeze": "backbone"}):
        settings = {"weights": "none", "hints": "file.tgz"} | other
        with pytest.raises(ValueError, match="hints are for backbone resnext50_32x4d"):
            TrainConfig(**settings)  # type: ignore[arg-type]
