"""The commands that make a checkpoint again, with those it began with and those that taught it.

In them CARD stands for the checkpoint's card, the other capitals for folders of one's own. Every
step has folders of its own, named by a number, so that one whose name was given again later does
not stand in for the one that was meant.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from models.checkpoints import Card
from models.taxonomy import HAM10000
from retraining.lineage import Account, flattened

STARTS = ("imagenet", "none")


def commands(card: Card, split: str) -> list[str]:
    """Lines for a shell, the oldest step first; what cannot be repeated is said in a comment.

    split: the hash of the split that the card's scores are of.
    """
    if card.members:
        listed = " ".join(card.members)
        return [
            f"python -m retraining ensemble {listed} --splits SPLIT --name {card.name}  # how each "
            "was made is in its own card",
            f"python -m retraining ood {card.name} --splits SPLIT",
        ]
    data = ["python -m retraining prepare ARCHIVES --out DATA"] if card.taxonomy == HAM10000 else []
    told = flattened(card.provenance)
    lines: list[str] = []
    made: dict[str, str] = {}
    for key in _in_order(told):
        lines += _step(key, told.get("ancestors", {}).get(key, {"name": key}), made)
    own = {"name": card.name, "training": card.training, "provenance": told}
    run = f"RUNS/{len(made) + 1}"
    return [
        *data,
        f"python -m retraining split --data DATA --out SPLIT  # its sha256 is {split}",
        *lines,
        *_trained(own, ".training.config", made, run),
        f"python -m retraining evaluate {run} --split test",
        f"python -m retraining promote {run} --name {card.name}",
        f"python -m retraining ood {card.name} --splits SPLIT",
    ]


def _in_order(told: Mapping[str, Any]) -> list[str]:
    """The keys of all that a checkpoint came of, each after those that it came of itself."""
    ancestors: Mapping[str, Account] = told.get("ancestors", {})
    ordered: list[str] = []

    def visit(origin: Mapping[str, Any]) -> None:
        for key in _parents(origin):
            if key not in ordered:
                visit(ancestors.get(key, {}).get("provenance", {}))
                if key not in ordered:
                    ordered.append(key)

    visit(told)
    return ordered


def _parents(origin: Mapping[str, Any]) -> list[str]:
    """The start of a training and its teachers, by their keys."""
    start = origin.get("weights", {}).get("start", "none")
    return [*([] if start in STARTS else [start]), *origin.get("teachers", [])]


def _step(key: str, account: Account, made: dict[str, str]) -> list[str]:
    """The lines for an ancestor, whose folder goes into `made`."""
    name, training = account["name"], account.get("training", {})
    folder, run = f"MADE/{len(made) + 1}", f"RUNS/{len(made) + 1}"
    place = f'.provenance.ancestors["{key}"].training.config'
    if not training.get("config") and "phases" not in training:
        made[key] = f"{folder}/{name}"
        return [f"# {made[key]}: of this {name} nothing is known but its name; any other differs"]
    if "phases" in training:
        lines = _transplanted(account, place, made, f"{folder}/{name}")
        made[key] = f"{folder}/{name}"
        return lines
    lines = _trained(account, place, made, run)
    if "version" not in account:  # a run that taught as it stood
        made[key] = run
        return lines
    made[key] = f"{folder}/{name}"
    return [
        *lines,
        f"python -m retraining evaluate {run} --split test",
        f"python -m retraining promote {run} --name {name} --root {folder}",
    ]


def _trained(account: Account, place: str, made: Mapping[str, str], run: str) -> list[str]:
    """The lines that train one network from the settings at `place` of the card."""
    training, teachers = account["training"], _teachers(account, made)
    given = ["--set", f"teachers=[{', '.join(teachers)}]"] if teachers else []
    config = training["config"]
    planned = sum(int(stage["epochs"]) for stage in config.get("stages", []))
    done = training.get("epochs_done", len(training.get("log", []))) or planned
    early = f", stopped after {done} of {planned} epochs" if done < planned else ""
    recipe = training.get("recipe") or config.get("recipe") or "of an earlier version"
    return _command("train", [*_start(account, made), *given], place, run, f"{recipe}{early}")


def _transplanted(account: Account, place: str, made: Mapping[str, str], out: str) -> list[str]:
    """The lines that begin a network with the layers of its teacher."""
    steps = sum(int(phase["steps"]) for phase in account["training"]["phases"])
    teachers = [word for name in _teachers(account, made) for word in ("--teacher", name)]
    given = [*_start(account, made), *teachers, "--steps", str(steps)]
    return _command("transplant", given, place, out, "transplant")


def _start(account: Account, made: Mapping[str, str]) -> list[str]:
    start = account.get("provenance", {}).get("weights", {}).get("start", "none")
    return [] if start in STARTS else ["--weights", made[start]]


def _teachers(account: Account, made: Mapping[str, str]) -> list[str]:
    return [made[key] for key in account.get("provenance", {}).get("teachers", [])]


def _command(name: str, given: Sequence[str], place: str, out: str, what: str) -> list[str]:
    words = ["--config", "CONFIG", "--splits", "SPLIT", *given, "--out", out]
    return [
        f"jq {shlex.quote(place)} CARD > CONFIG",
        f"python -m retraining {name} {shlex.join(words)}  # {what}",
    ]
