"""Where a checkpoint comes from: data, pretrained weights, teachers, and what those came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.checkpoint.card import file_sha256, load_card, locate
from models.checkpoint.json_files import read_object
from models.checkpoint.provenance import Provenance, load_provenance
from models.errors import CheckpointError
from models.pretrained import dinov2, keras_resnet50
from models.registry.backbones import get_backbone
from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.training.config import TrainConfig, load_config
from retraining.training.run_folder import BEST_FILE, CONFIG_FILE, SPLIT_FILE
from retraining.training.settings import BARE_WEIGHTS

DATA = {
    "name": "HAM10000",
    "source": "Harvard Dataverse, doi:10.7910/DVN/DBW86T",
    "paper": (
        "Tschandl, P., Rosendahl, C. & Kittler, H. The HAM10000 dataset, a large collection of "
        "multi-source dermatoscopic images of common pigmented skin lesions. Sci. Data 5, 180161 "
        "(2018), doi:10.1038/sdata.2018.161"
    ),
    "licence": "CC BY-NC 4.0",
}
REPRODUCIBLE = "Yes: by training with `training.config` on the split that `split.sha256` names."
FROM_STEPS = (
    "Yes: by the steps of `lineage`, the last of them training with `training.config` on the split "
    "that `split.sha256` names."
)
FROM_OTHERS = (
    "As far as the checkpoints in `lineage` are kept: by training with `training.config` from them "
    "on the split that `split.sha256` names."
)
FROM_LOST = (
    "No: a checkpoint that it came of cannot be made again. From that one it can, by training with "
    "`training.config` on the split that `split.sha256` names."
)


def provenance(config: TrainConfig, taxonomy: Taxonomy) -> Provenance:
    """What a training's settings say of where weights and data come from."""
    weights, teachers, lineage = _origin(config)
    return Provenance(
        reproducible=_reproducible(config),
        data=DATA if taxonomy == HAM10000 else {"name": "images of one's own"},
        weights=weights | {"architecture": get_backbone(config.backbone).paper},
        teachers=teachers,
        lineage=lineage,
    )


def without_folders(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training for publication: checkpoints by name, no folder of the trainer's."""
    kept = {key: value for key, value in settings.items() if key != "splits"}
    for key in ("weights", "hints"):
        kept[key] = Path(kept[key]).name
    kept["teachers"] = [Path(teacher).name for teacher in kept["teachers"]]
    return kept


def _reproducible(config: TrainConfig) -> str:
    ancestors = [name for name in (config.weights, *config.teachers) if name not in BARE_WEIGHTS]
    if not ancestors:
        return REPRODUCIBLE
    of_them = [_reproducible_ancestor(name) for name in ancestors]
    if any(text.startswith("No:") for text in of_them):
        return FROM_LOST
    return FROM_STEPS if all(text.startswith("Yes:") for text in of_them) else FROM_OTHERS


def _reproducible_ancestor(name: str) -> str:
    """Of a checkpoint by its own word, of a run by its settings; empty where neither is there."""
    try:
        return load_provenance(locate(name)).reproducible
    except CheckpointError:
        file = Path(name) / CONFIG_FILE
        return _reproducible(load_config(file)) if file.is_file() else ""


def _origin(config: TrainConfig) -> tuple[dict[str, Any], list[str], dict[str, dict[str, Any]]]:
    """`weights`, `teachers` and `lineage` of a provenance."""
    lineage: dict[str, dict[str, Any]] = {}
    teachers = [_ancestor(teacher, lineage) for teacher in config.teachers]
    if config.weights == "imagenet":
        entry = get_backbone(config.backbone)
        start = {"start": "imagenet", "source": entry.weights, "licence": entry.licence}
        if entry.weights == f"package:{dinov2.PACKAGE}":
            start["note"] = dinov2.NOTE
    elif config.hints:
        start = {
            "start": "hints",
            "source": keras_resnet50.PACKAGE,
            "licence": keras_resnet50.LICENCE,
            "note": f"ImageNet: {keras_resnet50.SOURCE}, learnt block by block",
        }
    elif config.weights == "none":
        start = {"start": "none"}
    else:
        start = {"start": _ancestor(config.weights, lineage)}
    return start, teachers, lineage


def _ancestor(name: str, lineage: dict[str, dict[str, Any]]) -> str:
    """Add a checkpoint, or a run, and all that it came of to `lineage`; returns its key."""
    try:
        folder = locate(name)
    except CheckpointError:
        return _run(Path(name), lineage)
    card, known = load_card(folder), load_provenance(folder)
    key = f"{card.name} {card.version} {card.weights_sha256[:8]}"
    recipe = {"recipe": known.training["recipe"]} if "recipe" in known.training else {}
    start = {name: text for name, text in known.weights.items() if name != "architecture"}
    lineage |= known.lineage
    lineage[key] = recipe | {"weights": start, "teachers": known.teachers} | _learnt(known.split)
    return key


def _run(folder: Path, lineage: dict[str, dict[str, Any]]) -> str:
    """`_ancestor` of a run that was not published; a name alone where the run is not there."""
    if not (folder / CONFIG_FILE).is_file():
        lineage[folder.name] = {}
        return folder.name
    config = load_config(folder / CONFIG_FILE)
    weights, teachers, older = _origin(config)
    key = f"{folder.name} {file_sha256(folder / BEST_FILE)[:8]}"
    lineage |= older
    entry = {"recipe": config.recipe, "weights": weights, "teachers": teachers}
    split = folder / SPLIT_FILE
    lineage[key] = entry | _learnt(read_object(split) if split.is_file() else {})
    return key


def _learnt(split: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of the collections that a split's train has, where they are known."""
    return {"collections": list(split["collections"])} if split.get("collections") else {}
