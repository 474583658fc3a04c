from pathlib import Path

import pytest
import yaml

from retraining.config import Stage, from_dict, load_config

CONFIGS = Path(__file__).resolve().parents[2] / "retraining" / "configs"


def test_overrides_beat_the_file_and_arguments_beat_both(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("lr: 0.1\nbatch_size: 8\nbackbone: resnet18\n")
    config = load_config(file, ["lr=0.2", "augmentation.zoom=0.5"], backbone="resnet34")
    assert (config.lr, config.batch_size, config.backbone) == (0.2, 8, "resnet34")
    assert config.augmentation.zoom == 0.5


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_shipped_configurations_survive_a_round_trip(path: Path) -> None:
    config = load_config(path)
    assert from_dict(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bath_size": 3}, "unknown key bath_size; did you mean batch_size"),
        ({"augmentation": {"zom": 1}}, r"did you mean augmentation\.zoom"),
        ({"backbone": "resnext5"}, "Did you mean"),
        ({"optimizer": "lamb"}, "optimizer must be one of adam, adamw, sgd, got 'lamb'"),
        ({"stages": [{"size": 8, "epochs": 1}]}, "size >= 32"),
        ({"lr": "fast"}, "wrong type"),
        ({"sampling": 2}, "sampling must be 0 to 1, got 2"),
    ],
)
def test_bad_settings_are_one_sentence(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_dict(values)


def test_size_of_an_epoch() -> None:
    config = from_dict({"stages": [{"size": 64, "epochs": 2}, {"size": 96, "epochs": 1}]})
    assert config.stages == (Stage(64, 2), Stage(96, 1))
    assert [config.size_of(e) for e in range(3)] == [64, 64, 96]
    assert config.epochs == 3
