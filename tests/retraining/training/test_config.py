from pathlib import Path

import pytest
import yaml

from retraining.training.config import Stage, from_dict, load_config

CONFIGS = Path(__file__).resolve().parents[3] / "retraining" / "recipes"


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
        ({"batch_size": 3.5}, "batch_size .* must be a whole number, got 3.5"),
        ({"channels_last": 1}, "channels_last .* must be true or false, got 1"),
        ({"freeze": "stem"}, "freeze must be backbone, or a number of groups of layers"),
        ({"class_weights": "even"}, "class_weights must be one of none, inverse"),
        ({"multipliers": {"mel": 2}}, "multipliers need sampler: none"),
        ({"batch_size": 9, "devices": 2}, "a multiple of the 2 devices that share it, got 9"),
        ({"augmentation": {"policy": "auto"}}, r"augmentation\.policy must be one of none"),
        ({"augmentation": {"flip": 2}}, r"augmentation\.flip must be 0 to 1"),
        ({"blend": 0}, "blend must be above 0 to 1, got 0"),
        ({"blend": 0.5, "weights": "none"}, "blend below 1 needs .* a checkpoint; got none"),
        (
            {"stages": [{"size": 64, "epochs": 1}, {"size": 96, "epochs": 1}], "size": 64},
            "size can be set where there is one stage; .* of which there are 2",
        ),
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


def test_size_and_epochs_stand_for_one_stage() -> None:
    assert from_dict({"size": 96, "epochs": 3}).stages == (Stage(96, 3),)
    assert from_dict({"stages": [{"size": 64, "epochs": 2}], "size": 96}).stages == (Stage(96, 2),)
    native = from_dict({"backbone": "efficientnet_b2", "size": "auto", "epochs": 1})
    assert native.stages == (Stage(288, 1),)


def test_stages_that_are_set_replace_the_size_and_epochs_of_a_file() -> None:
    config = load_config(CONFIGS / "scratch.yaml", ["stages=[{size: 64, epochs: 2}]"])
    assert config.stages == (Stage(64, 2),)


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("lr: 3e-4\n")
    assert load_config(file, ["weight_decay=1e-4"]).lr == 3e-4
    assert load_config(file, ["weight_decay=1e-4"]).weight_decay == 1e-4


def test_recipes_are_what_they_are_named_after() -> None:
    recipes = {p.stem: load_config(p) for p in CONFIGS.glob("*.yaml")}
    assert {n for n, c in recipes.items() if c.recipe == n} == {
        "last_layer", "finetune", "scratch", "grouped_adamw", "distill"
    }  # fmt: skip
    last = recipes["last_layer"]
    assert (last.head_only, last.sampling, last.epochs) == (True, 1.0, 25)
    assert last.augmentation.mirrors_only
    tuned = recipes["finetune"]
    assert (tuned.optimizer, tuned.lr, tuned.patience, tuned.best_by) == (
        "adam", 1e-3, 10, "val_loss"
    )  # fmt: skip
    assert list(tuned.multipliers.values()) == [15, 10, 5, 50, 5, 1, 40]
    changes = tuned.augmentation
    assert (changes.rotation, changes.brightness, changes.contrast, changes.hue) == (
        20, 0.1, 0.1, 0.1
    )  # fmt: skip
    scratch = recipes["scratch"]
    assert (scratch.weights, scratch.class_weights, scratch.best_by) == (
        "none", "inverse", "macro_f1"
    )  # fmt: skip
    grouped = recipes["grouped_adamw"]
    assert (grouped.optimizer, grouped.lr, grouped.weight_decay, grouped.label_smoothing) == (
        "adamw", 3e-4, 1e-4, 0.05
    )  # fmt: skip
    assert (grouped.batch_size, grouped.epochs, grouped.class_weights) == (32, 15, "inverse")
    assert recipes["distill"].teachers
    assert recipes["distill"].augmentation.policy == "randaugment"
