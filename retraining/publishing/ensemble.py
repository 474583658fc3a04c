"""Making an ensemble of checkpoints: the weighted mean of their calibrated probabilities."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
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
from models.checkpoint.card_files import write_card
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance, load_provenance
from models.checkpoint.weights import put_folder
from models.errors import CheckpointError
from models.registry.preprocessing import Preprocessing
from retraining.publishing.publish import next_version

REPRODUCIBLE = "Yes: by `python -m retraining ensemble` of its members."
FROM_OTHERS = "As far as its members are: by `python -m retraining ensemble` of them."
FROM_LOST = "No: a member cannot be made again; what joins them is `python -m retraining ensemble`."


def make_ensemble(
    members: Sequence[str | Path],
    *,
    name: str = ENSEMBLE,
    root: Path = WEIGHTS_DIR,
    weights: Sequence[float] = (),
) -> Path:
    """Write `root/NAME/`, the checkpoint that joins `members`; it is yet to be measured.

    members: checkpoints under `root`, which are referred to, such as the ensemble of that name has
        in its own folder already, or folders of checkpoints elsewhere, which are copied into it.
    weights: of each member, 1 in all; none: all the same.

    Raises ValueError for fewer than two members or one named twice, members of different classes,
    priors or splits; CheckpointError for one that is missing.
    """
    folders = [locate_member(member, root, name) for member in members]
    names = [folder.resolve().name for folder in folders]
    if len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"an ensemble needs two or more different checkpoints, got {names}")
    if name in names:
        raise ValueError(f"--name {name} is the name of a member")
    cards = [load_card(folder) for folder in folders]
    origins = [load_provenance(folder) for folder in folders]
    for card, origin, other in zip(cards, origins, names, strict=True):
        if card.members:
            raise ValueError(f"{other} is an ensemble itself")
        for what in ("taxonomy", "prior"):
            if getattr(card, what) != getattr(cards[0], what):
                raise ValueError(f"{other} and {names[0]} differ in their {what}")
        if _judged(origin) != _judged(origins[0]):
            raise ValueError(
                f"{other} and {names[0]} have different val and test splits: no images are left "
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
        card = _card(name, next_version(target), names, cards, weights)
        write_card(staging, card, ModelEvaluation(), _provenance(names, cards, origins))
        member_folders(staging, card)  # raises where the result would not load
        put_folder(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def locate_member(member: str | Path, root: Path = WEIGHTS_DIR, name: str = ENSEMBLE) -> Path:
    """Where a member is: under `root`, else in the folder of the ensemble that it was copied to."""
    try:
        return locate(member, root)
    except CheckpointError:
        if member in available(root / name):
            return root / name / member
        raise


def _judged(origin: Provenance) -> str:
    """What names the images that a checkpoint has not learnt; those of train may be others."""
    return str(origin.split.get("judged_sha256") or origin.split.get("sha256"))


def _card(
    name: str,
    version: str,
    members: Sequence[str],
    cards: Sequence[Card],
    shares: Sequence[float],
) -> Card:
    counted = [f"{share:.0%} {one}" for one, share in zip(members, shares, strict=False)]
    weights = hashlib.sha256("".join(card.weights_sha256 for card in cards).encode()).hexdigest()
    return Card(
        name=name,
        version=version,
        description=(
            f"The mean of the calibrated probabilities of {', '.join(counted or members)}, each of "
            "which sees the picture at its own input size."
        ),
        backbone=ENSEMBLE,
        taxonomy=cards[0].taxonomy,
        preprocessing=Preprocessing(
            max(card.preprocessing.input_size for card in cards), (0, 0, 0), (1, 1, 1)
        ),
        prior=cards[0].prior,
        licence=cards[0].licence,
        weights_sha256=weights,
        members=list(members),
        member_weights=list(shares),
    )


def _provenance(
    members: Sequence[str], cards: Sequence[Card], origins: Sequence[Provenance]
) -> Provenance:
    words = [origin.reproducible for origin in origins]
    if any(word.startswith("No:") for word in words):
        reproducible = FROM_LOST
    elif all(word.startswith("Yes:") for word in words):
        reproducible = REPRODUCIBLE
    else:
        reproducible = FROM_OTHERS
    learnt: dict[str, int] = {}
    for origin in origins:
        learnt = origin.split.get("collections", {}) | learnt
    return Provenance(
        reproducible=reproducible,
        data=origins[0].data,
        split=origins[0].split | {"collections": learnt},
        members={
            name: {"version": card.version, "weights_sha256": card.weights_sha256}
            for name, card in zip(members, cards, strict=True)
        },
        lineage={key: entry for origin in origins for key, entry in origin.lineage.items()},
        versions=origins[0].versions,
    )
