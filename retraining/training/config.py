"""The settings of a training run: defaults, then a YAML file, then `--set key=value`."""

import contextlib
import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from models.registry.backbones import get_backbone
from retraining.training.settings import CRITERIA as CRITERIA
from retraining.training.settings import Stage as Stage
from retraining.training.settings import TrainConfig as TrainConfig
from retraining.transforms.augmentation import Augmentation

NAMES = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}


def load_config(
    path: Path | None = None, overrides: Sequence[str] = (), **arguments: Any
) -> TrainConfig:
    """Defaults < the YAML file < `key=value` overrides < keyword arguments that are not None.

    A dot reaches into a group: `augmentation.zoom=0.1`. ValueError for unknown keys names the
    nearest known one.
    """
    values: dict[str, Any] = {}
    if path is not None:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(loaded, dict):
            raise ValueError(
                f"{path} must hold keys and values, it holds a {type(loaded).__name__}"
            )
        values = loaded
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ValueError(f"--set takes key=value, got {override!r}")
        group = values
        *outer, last = key.split(".")
        for name in outer:
            group = group.setdefault(name, {})
            if not isinstance(group, dict):
                raise ValueError(f"--set {key}: {name} is a value and has no keys")
        if key == "stages":
            for short in ("size", "epochs"):  # of the file: the later word counts
                values.pop(short, None)
        try:
            group[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ValueError(f"--set {key} cannot read the value {text!r}") from None
    values |= {key: value for key, value in arguments.items() if value is not None}
    return from_dict(values)


def from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """A configuration from plain values; ValueError for unknown keys and wrong types."""
    values = dict(values)
    short: dict[str, Any] = {k: values.pop(k) for k in ("size", "epochs") if k in values}
    _known_keys(values, TrainConfig, "", ("size", "epochs"))
    try:
        if "stages" in values:
            values["stages"] = tuple(_stage(stage) for stage in values["stages"])
        if short:
            values["stages"] = (_one_stage(values, short),)
        for key in ("teachers", "unfreeze"):
            if key in values:
                listed = isinstance(values[key], str)
                values[key] = (values[key],) if listed else tuple(values[key])
        if "augmentation" in values:
            _known_keys(values["augmentation"], Augmentation, "augmentation.")
            values["augmentation"] = Augmentation(
                **_numbers(values["augmentation"], Augmentation, "augmentation.")
            )
        return TrainConfig(**_numbers(values, TrainConfig, ""))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"the configuration has a value of the wrong type: {error}") from None


def _numbers(values: Mapping[str, Any], kind: type, prefix: str) -> dict[str, Any]:
    """`values` with `1e-4`, which YAML takes for text, as a number; ValueError for a wrong kind."""
    wanted: dict[str, Any] = {f.name: f.type for f in dataclasses.fields(kind)}
    out = dict(values)
    for key, value in values.items():
        if wanted[key] is float and isinstance(value, str):
            with contextlib.suppress(ValueError):
                out[key] = float(value)
        accepted = {float: (int, float), int: (int,), bool: (bool,), str: (str,)}.get(wanted[key])
        if accepted and (
            not isinstance(out[key], accepted)
            or (isinstance(out[key], bool) and wanted[key] is not bool)
        ):
            raise ValueError(
                f"{prefix}{key} has a value of the wrong type: it must be "
                f"{NAMES[wanted[key]]}, got {value!r}"
            )
    return out


def _stage(values: Mapping[str, Any]) -> Stage:
    _known_keys(values, Stage, "stages.")
    return Stage(**_numbers(values, Stage, "stages."))


def _one_stage(values: Mapping[str, Any], short: Mapping[str, Any]) -> Stage:
    stages = values.get("stages", TrainConfig.stages)
    if len(stages) != 1:
        raise ValueError(
            f"{' and '.join(short)} can be set where there is one stage; set stages, "
            f"of which there are {len(stages)}"
        )
    stage: Stage = dataclasses.replace(stages[0], **{k: v for k, v in short.items() if v != "auto"})
    if short.get("size") == "auto":
        backbone = get_backbone(values.get("backbone", TrainConfig.backbone))
        stage = dataclasses.replace(stage, size=backbone.input_size)
    return stage


def _known_keys(
    values: Mapping[str, Any], kind: type, prefix: str, more: Sequence[str] = ()
) -> None:
    known = [*(f.name for f in dataclasses.fields(kind)), *more]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else ""
            raise ValueError(f"unknown key {prefix}{key}{hint} (known: {', '.join(known)})")
