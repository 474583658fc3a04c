"""Whose features pictures are compared by: the server's own model, or a member of an ensemble."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from Dashboard.assess.service import ModelNotReady, Service
from Dashboard.config import Config
from Dashboard.proven.features import Space, features_model
from models.checkpoint.card import CARD_FILE, ENSEMBLE, WEIGHTS_FILE
from tests.dashboard.conftest import card


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], Space("served", "0.1")),
        (["b", "a", "inside"], Space("a", "0.1")),
        (["b", "resnext50_32x4d"], Space("resnext50_32x4d", "0.1")),
        (["inside"], None),
    ],
)
def test_an_ensemble_leaves_it_to_a_member_that_is_a_checkpoint_of_its_own(
    tmp_path: Path, members: list[str], expected: Space | None
) -> None:
    for name in ("served", "a", "b", "resnext50_32x4d", "served/inside"):
        made = card(Path(name).name)
        if name == "served" and members:
            made = replace(made, backbone=ENSEMBLE, members=members)
        (tmp_path / name).mkdir()
        (tmp_path / name / CARD_FILE).write_text(json.dumps(made.to_dict()))
        (tmp_path / name / WEIGHTS_FILE).write_bytes(b"not read")
    assert features_model(Service(Config(model="served"), root=tmp_path)) == expected


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="there is no checkpoint 'served'"):
        features_model(Service(Config(model="served"), root=tmp_path))
