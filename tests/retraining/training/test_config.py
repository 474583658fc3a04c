import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from models.checkpoint.card import locate
from retraining.training.config import (
    ALIASES,
    RECIPES_DIR,
    SCHEMA_FILE,
    Stage,
    TrainConfig,
    find_recipe,
    from_dict,
    json_schema,
    load_config,
    load_recipe,
    recipes,
)
from retraining.training.settings import BARE_WEIGHTS


def test_overrides_beat_the_file_and_arguments_beat_both(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("lr: 0.1\nbatch_size: 8\nbackbone: resnet18\n")
    config = load_config(file, ["lr=0.2", "augmentation.zoom=0.5"], backbone="resnet34")
    assert (config.lr, config.batch_size, config.backbone) == (0.2, 8, "resnet34")
    assert config.augmentation.zoom == 0.5


@pytest.mark.parametrize("name", recipes())
def test_the_shipped_recipes_survive_a_round_trip(name: str) -> None:
    config = load_recipe(name)
    assert config.recipe == name
    assert from_dict(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("key", "meant"),
    {
        "image_size": "size",
        "img_size": "size",
        "picture_size": "size",
        "bath_size": "batch_size",
        "learning_rate": "lr",
        "lerning_rate": "lr",
        "lr_max": "lr",
        "epoch": "epochs",
        "num_epoch": "epochs",
        "weight-decay": "weight_decay",
        "weigth_decay": "weight_decay",
        "weight_deacy": "weight_decay",
        "best_by": "monitor",
        "zoom": "augmentation.zoom",
    }.items(),
)
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(key: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"unknown key {key}; did you mean {meant}\?"):
        from_dict({key: 1})


def test_a_key_that_is_like_none_is_answered_with_all() -> None:
    with pytest.raises(ValueError, match=r"unknown key xyzzy \(known: .*lr, .*size, epochs\)"):
        from_dict({"xyzzy": 1})


def test_aliases_name_settings() -> None:
    schema = json_schema()["properties"]
    for meant in ALIASES.values():
        group, _, key = meant.partition(".")
        assert group in schema
        assert not key or key in TrainConfig().to_dict()[group]
    assert not set(ALIASES) & set(schema)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bath_size": 3}, "unknown key bath_size; did you mean batch_size"),
        ({"augmentation": {"zom": 1}}, r"did you mean augmentation\.zoom"),
        ({"backbone": "resnext5"}, "Did you mean"),
        ({"optimizer": "lamb"}, "optimizer must be one of adam, adamw, sgd, got 'lamb'"),
        ({"stages": [{"size": 8, "epochs": 1}]}, r"stages\.0\.size must be 32 or more, got 8"),
        ({"stages": [{"size": 64}]}, r"stages\.0\.epochs is missing"),
        ({"stages": []}, r"stages must be a list of \{size, epochs\}, got \[\]"),
        ({"augmentation": 3}, "augmentation .* must be keys and values, got 3"),
        ({"lr": "fast"}, "wrong type"),
        ({"sampling": 2}, "sampling must be 0 to 1, got 2"),
        ({"batch_size": 3.5}, "batch_size .* must be a whole number, got 3.5"),
        ({"channels_last": 1}, "channels_last .* must be true or false, got 1"),
        ({"freeze": "stem"}, "freeze must be backbone, or a number of groups of layers"),
        ({"class_weights": "even"}, "class_weights must be one of none, inverse"),
        ({"multipliers": {"mel": 2}}, "multipliers need sampler: none"),
        ({"monitor": "last", "patience": 2}, "no better epoch to be patient for; got patience 2"),
        ({"batch_size": 9, "devices": 2}, "a multiple of the 2 devices that share it, got 9"),
        ({"augmentation": {"policy": "auto"}}, r"augmentation\.policy must be one of none"),
        ({"augmentation": {"flip": 2}}, r"augmentation\.flip must be 0 to 1"),
        ({"wise_ft_alpha": 0}, "wise_ft_alpha must be above 0 to 1, got 0"),
        ({"wise_ft_alpha": 0.5, "weights": "none"}, "below 1 needs .* a checkpoint; got none"),
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
    assert config.stages == (Stage(size=64, epochs=2), Stage(size=96, epochs=1))
    assert [config.size_of(e) for e in range(3)] == [64, 64, 96]
    assert config.epochs == 3


def test_size_and_epochs_stand_for_one_stage() -> None:
    assert from_dict({"size": 96, "epochs": 3}).stages == (Stage(size=96, epochs=3),)
    assert from_dict({"stages": [{"size": 64, "epochs": 2}], "size": 96}).stages == (
        Stage(size=96, epochs=2),
    )
    native = from_dict({"backbone": "efficientnet_b2", "size": "auto", "epochs": 1})
    assert native.stages == (Stage(size=288, epochs=1),)


def test_stages_that_are_set_replace_the_size_and_epochs_of_a_file() -> None:
    config = load_recipe("from_scratch", ["stages=[{size: 64, epochs: 2}]"])
    assert config.stages == (Stage(size=64, epochs=2),)


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("lr: 3e-4\n")
    assert load_config(file, ["weight_decay=1e-4"]).lr == 3e-4
    assert load_config(file, ["weight_decay=1e-4"]).weight_decay == 1e-4


def test_an_error_is_one_sentence_without_a_link() -> None:
    with pytest.raises(ValueError, match="lr") as caught:
        from_dict({"lr": "fast"})
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_copy_is_checked_like_the_first() -> None:
    with pytest.raises(ValueError, match="lr must be above 0, got -1"):
        TrainConfig().replace(lr=-1)


def test_a_recipe_stands_on_its_base(tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "one.yaml").write_text(
        "lr: 0.1\nsize: 64\nepochs: 9\naugmentation: {zoom: 0.5, hue: 0.1}\n"
    )
    mine = tmp_path / "mine.yaml"
    mine.write_text("base: bases/one.yaml\nepochs: 3\naugmentation: {zoom: 0}\n")
    config = load_recipe(str(mine))
    assert (config.lr, config.stages, config.recipe) == (0.1, (Stage(size=64, epochs=3),), "mine")
    assert (config.augmentation.zoom, config.augmentation.hue) == (0, 0.1)
    mine.write_text("base: bases/one.yaml\nstages: [{size: 32, epochs: 1}]\n")
    assert load_config(mine).stages == (Stage(size=32, epochs=1),)
    mine.write_text("base: bases/two.yaml\n")
    with pytest.raises(ValueError, match=r"base must be the path of a recipe .* 'bases/two.yaml'"):
        load_config(mine)


def test_bases_that_go_round_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\n")
    with pytest.raises(ValueError, match=r"builds on itself: a.yaml -> b.yaml -> a.yaml"):
        load_config(tmp_path / "a.yaml")


def test_a_recipe_is_found_by_its_name_or_its_path() -> None:
    assert find_recipe("finetune") == RECIPES_DIR / "finetune.yaml"
    assert find_recipe("last_layer") == RECIPES_DIR / "linear_probe.yaml"
    assert find_recipe(str(RECIPES_DIR / "quick.yaml")) == RECIPES_DIR / "quick.yaml"
    with pytest.raises(
        ValueError, match=r"one of adamw_.*, got 'fine_tune'; did you mean finetune"
    ):
        find_recipe("fine_tune")


def test_the_schema_for_editors_is_current_and_fits_the_recipes() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema(), (
        "make it anew: python -m retraining config schema --out retraining/recipes/schema.json"
    )
    schema = jsonschema_rs.validator_for(json_schema())
    for path in RECIPES_DIR.rglob("*.yaml"):
        text = path.read_text()
        named = text.partition("$schema=")[2].partition("\n")[0]
        assert (path.parent / named).resolve() == SCHEMA_FILE
        schema.validate(yaml.safe_load(text))
    assert not schema.is_valid({"image_size": 3})
    assert schema.is_valid({"size": "auto"})


def test_recipes_are_what_they_are_named_after() -> None:
    assert recipes() == [
        "adamw_class_weights", "distill", "finetune", "from_scratch", "linear_probe", "quick",
        "robust",
    ]  # fmt: skip
    probe = load_recipe("linear_probe")
    assert (probe.head_only, probe.sampling, probe.epochs) == (True, 1.0, 25)
    assert (probe.sampler, probe.weights) == ("weighted", "imagenet")
    assert probe.augmentation.mirrors_only
    tuned = load_recipe("finetune")
    assert (tuned.optimizer, tuned.lr, tuned.patience, tuned.monitor) == (
        "adam", 1e-3, 10, "val_loss"
    )  # fmt: skip
    assert list(tuned.multipliers.values()) == [15, 10, 5, 50, 5, 1, 40]
    changes = tuned.augmentation
    assert (changes.rotation, changes.brightness, changes.contrast, changes.hue) == (
        20, 0.1, 0.1, 0.1
    )  # fmt: skip
    scratch = load_recipe("from_scratch")
    assert (scratch.weights, scratch.class_weights, scratch.monitor) == (
        "none", "inverse", "macro_f1"
    )  # fmt: skip
    adamw = load_recipe("adamw_class_weights")
    assert (adamw.optimizer, adamw.lr, adamw.weight_decay, adamw.label_smoothing) == (
        "adamw", 3e-4, 1e-4, 0.05
    )  # fmt: skip
    assert (adamw.batch_size, adamw.epochs, adamw.class_weights) == (32, 15, "inverse")
    assert load_recipe("distill").teachers
    assert load_recipe("distill").augmentation.policy == "randaugment"
    assert load_recipe("robust").augmentation.corruptions > 0
    assert load_recipe("quick").epochs <= 3


def test_what_a_recipe_names_is_there() -> None:
    for name in recipes():
        config = load_recipe(name)
        for checkpoint in (*config.teachers, config.weights):
            if checkpoint not in BARE_WEIGHTS:
                assert (locate(checkpoint) / "card.json").is_file(), f"{name}: {checkpoint}"
