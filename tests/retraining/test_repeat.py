"""A card says by which commands it and all that it came of were made."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.checkpoints import WEIGHTS_DIR, Card, load_card

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from retraining import repeat  # noqa: E402
from retraining.config import load_config  # noqa: E402

SPLIT = "a hash"
CONFIG = {"recipe": "finetune", "stages": [{"size": 64, "epochs": 3}], "weights": "imagenet"}


def told(card: Card, provenance: dict[str, Any]) -> list[str]:
    """The commands of `card`, those of its data left out."""
    training = {"config": CONFIG | {"stages": [{"size": 64, "epochs": 5}]}, "log": [{}, {}]}
    made = replace(card, name="mine", provenance=provenance, training=training, members=[])
    lines = repeat.commands(made, SPLIT)
    assert lines[0].startswith("python -m retraining prepare ")
    assert lines[1] == "python -m retraining split --data DATA --out SPLIT  # its sha256 is a hash"
    told = [line.removeprefix("python -m retraining ") for line in lines[2:]]
    return [re.sub(r' [0-9a-f]{8}"', '"', line) for line in told]  # the end of a key


@pytest.fixture(scope="module")
def card() -> Card:
    return load_card(WEIGHTS_DIR / "resnext50_32x4d")


def test_every_step_has_folders_of_its_own_and_takes_those_that_it_needs(card: Card) -> None:
    first = {"name": "one", "version": "1", "training": {"config": CONFIG}}
    first["provenance"] = {"weights": {"start": "imagenet"}}
    begun = {"name": "begun", "version": "1"}
    begun["training"] = {"config": CONFIG, "phases": [{"steps": 7}, {"steps": 9}]}
    begun["provenance"] = {"weights": {"start": "none"}, "teachers": ["one 1"]}
    run = {"name": "run", "training": {"config": CONFIG, "epochs_done": 2}}
    run["provenance"] = {"weights": {"start": "begun 1"}, "teachers": ["one 1"]}
    lines = told(
        card,
        {
            "weights": {"start": "begun 1"},
            "teachers": ["run", "lost"],
            "ancestors": {"run": run, "begun 1": begun, "one 1": first, "lost": {"name": "lost"}},
        },
    )
    place = "jq '.provenance.ancestors[\"{}\"].training.config' CARD > CONFIG"
    common = "--config CONFIG --splits SPLIT"
    assert lines == [
        place.format("one 1"),
        f"train {common} --out RUNS/1  # finetune",
        "evaluate RUNS/1 --split test",
        "promote RUNS/1 --name one --root MADE/1",
        place.format("begun 1"),
        f"transplant {common} --teacher MADE/1/one --steps 16 --out MADE/2/begun  # transplant",
        place.format("run"),
        f"train {common} --weights MADE/2/begun --set 'teachers=[MADE/1/one]' --out RUNS/3  "
        "# finetune, stopped after 2 of 3 epochs",
        "# MADE/4/lost: of this lost nothing is known but its name; any other differs",
        "jq .training.config CARD > CONFIG",
        f"train {common} --weights MADE/2/begun --set 'teachers=[RUNS/3, MADE/4/lost]' "
        "--out RUNS/5  # finetune, stopped after 2 of 5 epochs",
        "evaluate RUNS/5 --split test",
        "promote RUNS/5 --name mine",
        "ood mine --splits SPLIT",
    ]


def test_weights_without_a_past(card: Card) -> None:
    lines = told(card, {"weights": {"start": "none"}, "teachers": []})
    assert [line.split()[0] for line in lines] == ["jq", "train", "evaluate", "promote", "ood"]


@pytest.mark.parametrize("name", ["resnext50_32x4d", "efficientnet_lite0"])
def test_what_the_shipped_cards_say_can_be_followed(name: str, tmp_path: Path) -> None:
    """Each configuration is where it is said to be and is one that `train` takes."""
    card = load_card(WEIGHTS_DIR / name)
    whole, config = card.to_dict(), tmp_path / "config.yaml"
    made: set[str | None] = set()
    lines = repeat.commands(card, SPLIT)
    for line in lines:
        words = shlex.split(line, comments=True)
        if line.startswith("jq "):
            config.write_text(json.dumps(_at(whole, words[1])))
            continue
        out, given = _option(words, "--out"), _option(words, "--set")
        if "--config" in words:
            start = _option(words, "--weights")
            needed = load_config(config, [given] if given else [], weights=start)
            if given:
                assert set(needed.teachers) <= made
            assert start is None or start in made
            assert out not in made
            made.add(out)
        elif "--root" in words:
            made.add(f"{_option(words, '--root')}/{_option(words, '--name')}")
        elif line.startswith("# MADE"):
            made.add(line.split()[1].rstrip(":"))
    assert lines[-1] == f"python -m retraining ood {name} --splits SPLIT"


def _at(value: Any, place: str) -> Any:
    """What jq finds at a place such as `.a["b c"].d`."""
    for quoted, plain in re.findall(r'\["(.+?)"\]|(\w+)', place):
        value = value[quoted or plain]
    return value


def _option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words else None
