"""Making an ensemble of checkpoints: the mean of their calibrated probabilities."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.checkpoint.card import (
    ENSEMBLE,
    WEIGHTS_DIR,
    Card,
    available,
    load_card,
    locate,
    member_folders,
)
from models.checkpoint.weights import put_folder
from models.errors import CheckpointError
from models.registry.preprocessing import Preprocessing
from retraining.publishing.card_files import write_card
from retraining.publishing.publish import next_version


def make_ensemble(
    members: Sequence[str | Path], *, name: str = ENSEMBLE, root: Path = WEIGHTS_DIR
) -> Path:
    """Write `root/NAME/` with a card that joins `members`; its scores are yet to be measured.

    members: checkpoints under `root`, which are referred to, such as the ensemble of that name has
        in its own folder already, or folders of checkpoints elsewhere, which are copied into it.

    Raises ValueError for fewer than two members or one named twice, members of different classes,
    priors or splits; CheckpointError for one that is missing.
    """
    folders = [_locate(member, root, name) for member in members]
    names = [folder.resolve().name for folder in folders]
    if len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"an ensemble needs two or more different checkpoints, got {names}")
    if name in names:
        raise ValueError(f"--name {name} is the name of a member")
    cards = [load_card(folder) for folder in folders]
    for card, other in zip(cards, names, strict=True):
        if card.members:
            raise ValueError(f"{other} is an ensemble itself")
        for what in ("taxonomy", "prior"):
            if getattr(card, what) != getattr(cards[0], what):
                raise ValueError(f"{other} and {names[0]} differ in their {what}")
        if card.split.get("sha256") != cards[0].split.get("sha256"):
            raise ValueError(
                f"{other} and {names[0]} were trained on different splits: no images are left "
                "that neither has learnt"
            )
    target = root / name
    if target.is_dir() and not load_card(target).members:
        raise ValueError(f"{target} is a checkpoint, but no ensemble; choose another --name")
    root.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        staging.chmod(0o755)
        for folder, member in zip(folders, names, strict=True):
            if folder.resolve().parent != root.resolve():
                shutil.copytree(folder, staging / member)
        card = _card(name, next_version(target), names, cards)
        write_card(staging, card)
        member_folders(staging, card)  # raises where the result would not load
        put_folder(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _locate(member: str | Path, root: Path, name: str) -> Path:
    """Where a member is: under `root`, else in the folder of the ensemble that it was copied to."""
    try:
        return locate(member, root)
    except CheckpointError:
        if member in available(root / name):
            return root / name / member
        raise


def _card(name: str, version: str, members: Sequence[str], cards: Sequence[Card]) -> Card:
    first = cards[0]
    weights = hashlib.sha256("".join(card.weights_sha256 for card in cards).encode()).hexdigest()
    limits = list(dict.fromkeys(limit for card in cards for limit in card.limits))
    return replace(
        first,
        name=name,
        version=version,
        backbone=ENSEMBLE,
        preprocessing=Preprocessing(
            max(card.preprocessing.input_size for card in cards), (0, 0, 0), (1, 1, 1)
        ),
        temperature=1.0,
        operating_point=None,
        ood=None,
        metrics=[],
        description=(
            f"The mean of the calibrated probabilities of {', '.join(members)}, each of which sees "
            "the picture at its own input size."
        ),
        limits=limits,
        provenance={
            "data": first.provenance.get("data", {}),
            "members": {
                member: {"version": card.version, "weights_sha256": card.weights_sha256}
                for member, card in zip(members, cards, strict=True)
            },
        },
        training={},
        weights_sha256=weights,
        members=list(members),
    )
