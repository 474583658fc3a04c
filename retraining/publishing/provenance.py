"""Where a checkpoint comes from: what it began with, who taught it, and what those came from.

A checkpoint may be replaced by what came of it, so a card carries the account of every ancestor.
One that taught many stands there once, under a key by which the others name it: a tree of accounts
would multiply with every generation.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.checkpoint.card import load_card, locate
from models.errors import CheckpointError
from models.registry.backbones import get_backbone
from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.training.config import TrainConfig, load_config
from retraining.training.run_folder import CONFIG_FILE, run_taxonomy

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

Account = dict[str, Any]
Accounts = dict[str, Account]


def provenance(config: TrainConfig, taxonomy: Taxonomy) -> dict[str, Any]:
    """Where weights and data come from.

    `weights.start` is `imagenet`, `none` or a key of `ancestors`, `teachers` are such keys. An
    ancestor's account has `name`, and where they are known `version`, `weights_sha256`,
    `description`, `training` and `provenance`, whose keys are those of the same `ancestors`.
    """
    entry = get_backbone(config.backbone)
    ancestors: Accounts = {}
    weights: dict[str, Any] = {"start": config.weights, "architecture": entry.paper}
    if config.weights == "imagenet":
        weights |= {"source": entry.weights, "licence": entry.licence}
    elif config.weights != "none":
        weights["start"] = _tell(_account(config.weights), ancestors)
    teachers = [_tell(_account(teacher), ancestors) for teacher in config.teachers]
    data = DATA if taxonomy == HAM10000 else {"name": "images of one's own"}
    return {"data": data, "weights": weights, "teachers": teachers, "ancestors": ancestors}


def without_folders(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training for a card: checkpoints by name, no folder of the trainer's own."""
    kept = {key: value for key, value in settings.items() if key != "splits"}
    kept["weights"] = Path(kept["weights"]).name
    kept["teachers"] = [Path(teacher).name for teacher in kept["teachers"]]
    return kept


def _account(name: str) -> Account:
    """What is known of a checkpoint that a training began with, or of a teacher."""
    known: Account = {"name": Path(name).name}
    try:
        card = load_card(locate(name))
    except CheckpointError:
        if not (Path(name) / CONFIG_FILE).is_file():
            return known
        config = load_config(Path(name) / CONFIG_FILE)
        return known | {
            "training": {"config": without_folders(config.to_dict())},
            "provenance": provenance(config, run_taxonomy(Path(name))),
        }
    return known | {
        "version": card.version,
        "weights_sha256": card.weights_sha256,
        "description": card.description,
        "training": _without_log(card.training),
        "provenance": card.provenance,
    }


def _without_log(training: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of its training, its log as the number of epochs."""
    kept = {key: value for key, value in training.items() if key != "log"}
    return kept | ({"epochs_done": len(training["log"])} if training.get("log") else {})


def _flat(told: Mapping[str, Any], known: Mapping[str, Account], into: Accounts) -> dict[str, Any]:
    """A provenance whose ancestors are named by their keys in `into`, which takes them up.

    known: the accounts that the keys in `told` stand for.
    """
    flat = {key: value for key, value in told.items() if key != "ancestors"}
    if "weights" in told:
        flat["weights"] = dict(told["weights"])
        if "start" in flat["weights"]:
            flat["weights"]["start"] = _key(flat["weights"]["start"], known, into)
    if "teachers" in told:
        flat["teachers"] = [_key(teacher, known, into) for teacher in told["teachers"]]
    return flat


def _key(one: str, known: Mapping[str, Account], into: Accounts) -> str:
    """The key in `into` of the ancestor with the key `one`; other words as they are."""
    # Told as fully already: followed again along every path, a family's accounts would take ages.
    if one not in known or len(json.dumps(known[one])) <= len(json.dumps(into.get(one, {}))):
        return one
    return _tell(known[one], into, known)


def _tell(
    account: Mapping[str, Any], into: Accounts, known: Mapping[str, Account] | None = None
) -> str:
    """Take an account and those of its ancestors up into `into`; returns its key."""
    told = dict(account)
    if "provenance" in told:
        origin = {key: value for key, value in told["provenance"].items() if key != "data"}
        told["provenance"] = _flat(origin, {**(known or {}), **origin.get("ancestors", {})}, into)
    key = _name(told)
    if len(json.dumps(into.get(key, {}))) < len(json.dumps(told)):  # the fuller account stays
        into[key] = told
    return key


def _name(told: Mapping[str, Any]) -> str:
    """Name, version and the beginning of a hash: of the weights, else of all that is known."""
    if set(told) == {"name"}:
        return str(told["name"])
    known = json.dumps(told, sort_keys=True).encode()
    digest = told.get("weights_sha256") or hashlib.sha256(known).hexdigest()
    return " ".join(str(part) for part in (told["name"], told.get("version"), digest[:8]) if part)
