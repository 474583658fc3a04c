"""Recipes: the settings of a training from YAML files and `--set key=value`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from models.registry.backbones import get_backbone
from retraining.schema import suggestion
from retraining.training.settings import CRITERIA as CRITERIA
from retraining.training.settings import Stage as Stage
from retraining.training.settings import TrainConfig as TrainConfig

RECIPES_DIR = Path(__file__).resolve().parents[1] / "recipes"
SCHEMA_FILE = RECIPES_DIR / "schema.json"
# Other names of shipped recipes.
RECIPE_ALIASES = {"last_layer": "linear_probe"}
BASE = "base"  # the key of a recipe that names the file it builds on
SHORT = ("size", "epochs")  # stand for one stage
# Names that people know from elsewhere; a misspelt or foreign key is answered with ours.
ALIASES = {
    "image_size": "size", "img_size": "size", "input_size": "size", "resolution": "size",
    "num_epochs": "epochs", "max_epochs": "epochs", "n_epochs": "epochs",
    "learning_rate": "lr", "max_lr": "lr", "wd": "weight_decay", "decay": "weight_decay",
    "optim": "optimizer", "opt": "optimizer", "scheduler": "schedule", "lr_scheduler": "schedule",
    "warmup_epochs": "warmup", "clip_grad": "clip", "gradient_clip_val": "clip",
    "best_by": "monitor", "eval_metric": "monitor", "early_stopping": "patience",
    "wise_ft": "wise_ft_alpha", "blend": "wise_ft_alpha", "alpha": "wise_ft_alpha",
    "model": "backbone", "architecture": "backbone", "arch": "backbone", "pretrained": "weights",
    "data": "splits", "data_dir": "splits", "bs": "batch_size", "freeze_bn": "freeze_batchnorm",
    "loss_weights": "class_weights", "criterion": "loss", "smoothing": "label_smoothing",
    "distillation": "distill", "temperature": "distill_temperature", "teacher": "teachers",
    "flaws": "augmentation.corruptions", "amp": "precision", "accelerator": "device",
    "gpus": "devices", "num_workers": "workers", "random_state": "seed", "random_seed": "seed",
}  # fmt: skip


def recipes() -> list[str]:
    """The names of the shipped recipes."""
    return sorted(path.stem for path in RECIPES_DIR.glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """The file of a shipped recipe, or the file of that path; ValueError where it is neither."""
    shipped = RECIPE_ALIASES.get(name, name)
    if shipped in recipes():
        return RECIPES_DIR / f"{shipped}.yaml"
    if Path(name).is_file():
        return Path(name)
    near = suggestion(name, {one: one for one in recipes()})
    hint = f"; did you mean {near}?" if near else ""
    raise ValueError(f"config must be a file or one of {', '.join(recipes())}, got {name!r}{hint}")


def load_recipe(name: str, overrides: Sequence[str] = (), **arguments: Any) -> TrainConfig:
    """`load_config` of a shipped recipe or a file, which the run is named after."""
    path = find_recipe(name)
    found = load_config(path, overrides, **arguments)
    return found if found.recipe else found.replace(recipe=path.stem)


def load_config(
    path: Path | None = None, overrides: Sequence[str] = (), **arguments: Any
) -> TrainConfig:
    """Defaults < the YAML file < `key=value` overrides < keyword arguments that are not None.

    A dot reaches into a group: `augmentation.zoom=0.1`. ValueError for unknown keys names the
    nearest known one.
    """
    values = {} if path is None else _read(path)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, got {override!r}")
        group = values
        *outer, last = key.split(".")
        for name in outer:
            group[name] = dict(group[name]) if isinstance(group.get(name), Mapping) else (
                group.get(name, {}))  # fmt: skip
            group = group[name]
            if not isinstance(group, dict):
                raise ValueError(f"--set {key}: {name} is a value and has no keys")
        if key == "stages":
            _drop_short(values)
        try:
            group[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ValueError(f"--set {key} cannot read the value {text!r}") from None
    values |= {key: value for key, value in arguments.items() if value is not None}
    return from_dict(values)


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """A configuration from plain values; ValueError for unknown keys and wrong values."""
    values = dict(values)
    short = {key: values.pop(key) for key in SHORT if key in values}
    if short:
        values["stages"] = [_one_stage(values, short)]
    return TrainConfig.read(values, ALIASES | {key: key for key in SHORT})


def json_schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors."""
    schema = TrainConfig.model_json_schema()
    stage = schema["$defs"]["Stage"]["properties"]
    size = stage["size"] | {"type": ["integer", "string"], "description": "Of the one stage."}
    schema["title"], schema["description"] = "Recipe", "The settings of a training."
    schema["properties"] |= {
        BASE: {"type": "string", "description": "The recipe this one builds on, a path from here."},
        "size": size | {"description": "Pixels, or auto: the size of the ImageNet weights."},
        "epochs": stage["epochs"] | {"description": "Where there is one stage."},
    }
    return schema


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a file over those of its base; ValueError where bases go round in a circle."""
    path = path.resolve()
    if path in above:
        circle = " -> ".join(one.name for one in (*above, path))
        raise ValueError(f"{above[0]} builds on itself: {circle}")
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise ValueError(f"{path} must hold keys and values, it holds a {type(loaded).__name__}")
    base = loaded.pop(BASE, None)
    if base is None:
        return loaded
    if not isinstance(base, str) or not (path.parent / base).is_file():
        raise ValueError(f"{path}: {BASE} must be the path of a recipe from there, got {base!r}")
    values = _read(path.parent / base, (*above, path))
    if "stages" in loaded:
        _drop_short(values)
    group = "augmentation"  # the one setting that is changed key by key
    if isinstance(values.get(group), dict) and isinstance(loaded.get(group), dict):
        loaded[group] = values[group] | loaded[group]
    return values | loaded


def _drop_short(values: dict[str, Any]) -> None:
    """Of a file below: the later word counts."""
    for key in SHORT:
        values.pop(key, None)


def _one_stage(values: Mapping[str, Any], short: Mapping[str, Any]) -> Any:
    default = TrainConfig.model_fields["stages"].default
    stages = values.get("stages", [stage.model_dump() for stage in default])
    if not isinstance(stages, Sequence) or len(stages) != 1 or not isinstance(stages[0], Mapping):
        raise ValueError(
            f"{' and '.join(short)} can be set where there is one stage; set stages, "
            f"of which there are {len(stages) if isinstance(stages, Sequence) else stages!r}"
        )
    stage = {**stages[0], **{key: value for key, value in short.items() if value != "auto"}}
    if short.get("size") == "auto":
        backbone = values.get("backbone", TrainConfig.model_fields["backbone"].default)
        stage["size"] = get_backbone(backbone).input_size
    return stage
