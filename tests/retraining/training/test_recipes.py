"""Every backbone and every recipe trains; several backbones and several processes do."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.checkpoint.card import WEIGHTS_DIR, load_card
from models.registry.backbones import BACKBONES
from retraining.training import train as training
from retraining.training.config import TrainConfig, load_recipe, recipes
from retraining.training.run_folder import load_trained, read_log
from retraining.training.settings import BARE_WEIGHTS
from retraining.training.train import train
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


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_trains_a_last_layer(
    backbone: str, splits: Path, cache: Path, tmp_path: Path
) -> None:
    config = load_recipe(
        "linear_probe",
        ["size=32", "epochs=2", "batch_size=14", "precision=f32"],
        backbone=backbone,
        weights="none",
        splits=str(splits),
    )
    run = train(config, tmp_path / backbone, cache)
    log = read_log(run)
    assert [row["epoch"] for row in log] == [1, 2]
    assert all(math.isfinite(row["loss"]) for row in log)
    network, _, taxonomy = load_trained(run)
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, len(taxonomy))


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_trains(recipe: str, splits: Path, cache: Path, tmp_path: Path) -> None:
    config = load_recipe(
        recipe,
        ["stages=[{size: 32, epochs: 1}]", "batch_size=28", "teacher_size=32", "patience=0"],
        backbone="resnet18",
        weights="none",
        splits=str(splits),
    )
    run = train(config, tmp_path / "run", cache)
    (row,) = read_log(run)
    assert math.isfinite(row["loss"])
    network, read, _ = load_trained(run)
    assert read == config
    assert not network.training


@pytest.mark.parametrize(
    "file", sorted(WEIGHTS_DIR.glob("**/recipe/*.yaml")), ids=lambda path: path.stem
)
def test_recipes_of_checkpoints_are_settings_of_their_backbone(file: Path) -> None:
    config = load_recipe(str(file))
    card = file.parents[1] / "card.json"  # the transformer's recipe has none
    assert config.backbone == (
        load_card(card.parent).backbone if card.is_file() else file.parents[1].name
    )
    if config.weights.startswith("models/"):  # another that ships: its own first step has no other
        config = load_recipe(str(min((ROOT / config.weights / "recipe").glob("*.yaml"))))
        assert config.weights in BARE_WEIGHTS
    assert config.weights in BARE_WEIGHTS or config.weights.startswith("runs/")


def test_several_backbones_get_a_folder_each(splits: Path, tmp_path: Path) -> None:
    configs = [TrainConfig(backbone=name, splits=str(splits)) for name in ("resnet18", "resnet34")]
    trained = []
    folders = training.train_several(
        configs, tmp_path, lambda config, folder: trained.append((config.backbone, folder))
    )
    assert (
        trained
        == [(f.name, f) for f in folders]
        == [
            ("resnet18", tmp_path / "resnet18"),
            ("resnet34", tmp_path / "resnet34"),
        ]
    )


@pytest.mark.slow
def test_two_processes_train_as_one_does(splits: Path, cache: Path, tmp_path: Path) -> None:
    settings = ["size=32", "epochs=2", "batch_size=14", "precision=f32", "device=cpu",
                "cached_features=never", "freeze=2", "freeze_batchnorm=true",
                "sampler=none", "class_weights=inverse"]  # fmt: skip
    alone = load_recipe(
        "linear_probe", settings, backbone="resnet18", weights="none", splits=str(splits)
    )
    one = scores(train(alone, tmp_path / "1", cache))
    out = tmp_path / "2"
    command = [sys.executable, "-m", "retraining", "train", "--out", str(out),
               "--config", "linear_probe", "--backbone", "resnet18",
               "--weights", "none", "--splits", str(splits), "--cache", str(cache),
               *(part for one in [*settings, "devices=2"] for part in ("--set", one))]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(one) == 2
    for ours, theirs in zip(scores(out), one, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)
    assert json.loads((out / "run.json").read_text())["devices"] == 2
