"""What describes a checkpoint: its card, its folder and files, their hashes, its tensors."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoint.json_files import check_keys, read_object
from models.errors import CheckpointError
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import Taxonomy

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "resnext50_32x4d"
WEIGHTS_DIR = Path(__file__).resolve().parents[1] / "weights"
WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.json"
OOD_FILE = "ood.safetensors"
ENSEMBLE = "ensemble"
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Card:
    """What serving needs to know of a checkpoint: `card.json`, at most 8 KB.

    How it was measured is in `evaluation.json` (`models.checkpoint.evaluation`), how it was made
    in `provenance.json` (`models.checkpoint.provenance`).

    name, version: shown with every prediction.
    description: a sentence for people.
    backbone: key of `models.registry.backbones.BACKBONES`.
    taxonomy: the ordered classes of the output.
    preprocessing: how a picture becomes the input.
    temperature: logits are divided by it before the softmax.
    prior: the class frequencies that the probabilities stand for, by code; evenly frequent
        unless said otherwise.
    operating_points: on the malignant probability, the default first, each `{"rule",
        "threshold", "target_sensitivity", "split", "n", "sensitivity", "specificity"}`; where it
        was chosen by a lower confidence bound also `n_malignant`, that bound `lower`, and
        `supported`: False where n cannot support the target; where it was measured on test, `test`:
        `{"n", "n_malignant", "sensitivity", "specificity"}`, both with `_low` and `_high`, and
        `specificity_histology` of the `n_histology` benign images proven so. Empty: not chosen yet.
    ood: `{"threshold", "far_threshold"}` of the out-of-distribution score: above the first a
        picture is unlike the training images, above the second (which may lack) clearly no
        dermatoscopic picture; None: the model has no such score.
    metrics: the headlines on test: `{"metric", "split", "n", "value", "low", "high"}`, 95 %.
    licence: of the weights.
    weights_sha256: of `model.safetensors`.
    backbone_weights: of a checkpoint that holds a last layer alone, the network it stands on:
        `{"backbone", "weights", "seed", "sha256"}`, see
        `models.checkpoint.backbone_weights.backbone_state`; empty where the checkpoint holds the
        whole network.
    members: names of the checkpoints whose calibrated probabilities are averaged, each a folder
        inside this one or beside it. Such a checkpoint, an ensemble, has no weights of its own;
        its backbone is `ENSEMBLE`.
    member_weights: the share that each member's probabilities have in the mean, above 0 and 1 in
        all; empty: the same for each.
    """

    name: str
    version: str
    backbone: str
    taxonomy: Taxonomy
    preprocessing: Preprocessing
    licence: str
    description: str = ""
    temperature: float = 1.0
    prior: dict[str, float] = field(default_factory=dict)
    operating_points: list[dict[str, Any]] = field(default_factory=list)
    ood: dict[str, Any] | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    weights_sha256: str = ""
    backbone_weights: dict[str, Any] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    member_weights: list[float] = field(default_factory=list)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise CheckpointError(f"temperature must be above 0, got {self.temperature}")
        if (self.backbone == ENSEMBLE) != bool(self.members):
            raise CheckpointError(
                f"members belong to the backbone {ENSEMBLE!r} and to no other; got "
                f"{self.backbone!r} with {len(self.members)} members"
            )
        weights = self.member_weights
        if weights and not (
            len(weights) == len(self.members) and min(weights) > 0 and isclose(sum(weights), 1)
        ):
            raise CheckpointError(
                f"member_weights must be above 0, 1 in all, one for each of {self.members}; "
                f"got {weights}"
            )

    @property
    def shares(self) -> list[float]:
        """The share of each member in the mean of their probabilities; none of a single network.

        >>> sum(load_card(locate("ensemble")).shares), load_card(locate("resnext50_32x4d")).shares
        (1.0, [])
        """
        return self.member_weights or [1 / len(self.members) for _ in self.members]

    @property
    def operating_point(self) -> dict[str, Any] | None:
        """The default one of the operating points; None where none was chosen."""
        return self.operating_points[0] if self.operating_points else None

    def point(self, target: float) -> Mapping[str, Any] | None:
        """The operating point for a target sensitivity; None where none was chosen for it.

        >>> card = load_card(locate("resnext50_32x4d"))
        >>> card.point(0.95) == card.operating_point, card.point(0.5)
        (True, None)
        """
        points = (one for one in self.operating_points if one["target_sensitivity"] == target)
        return next(points, None)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "format_version": self.format_version,
            **asdict(self),
            "taxonomy": self.taxonomy.to_dict(),
            "preprocessing": self.preprocessing.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Card":
        """Inverse of `to_dict`; CheckpointError for another format, unknown or missing keys."""
        if data.get("format_version") != FORMAT_VERSION:
            raise CheckpointError(
                f"{CARD_FILE} has format version {data.get('format_version')}; "
                f"this release reads version {FORMAT_VERSION}"
            )
        check_keys(data, cls, CARD_FILE)
        values = dict(data)
        try:
            values["taxonomy"] = Taxonomy.from_dict(data["taxonomy"])
            values["preprocessing"] = Preprocessing.from_dict(data["preprocessing"])
            return cls(**values)
        except KeyError as error:
            raise CheckpointError(f"{CARD_FILE} lacks {error.args[0]!r}") from None
        except TypeError as error:
            raise CheckpointError(f"{CARD_FILE} is incomplete: {error}") from None


def available(root: Path = WEIGHTS_DIR) -> list[str]:
    """Names of the checkpoints under `root`, sorted.

    >>> "resnext50_32x4d" in available()
    True
    """
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if _is_checkpoint(folder))


def _is_checkpoint(folder: Path) -> bool:
    """Whether a folder has a card, and weights or members."""
    if not (folder / CARD_FILE).is_file():
        return False
    return (folder / WEIGHTS_FILE).is_file() or bool(_members(folder))


def _members(folder: Path) -> Any:
    """What the card names as members, whatever else it holds."""
    try:
        return read_object(folder / CARD_FILE).get("members")
    except CheckpointError:
        return None


def locate(name: str | Path, root: Path = WEIGHTS_DIR) -> Path:
    """The folder of checkpoint `name`, or of a path to one; CheckpointError names what is there.

    >>> locate("resnext50_32x4d").name
    'resnext50_32x4d'
    >>> locate("resnet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    models.errors.CheckpointError: there is no checkpoint 'resnet'; the checkpoints are: ...
    """
    named = root / name if isinstance(name, str) and Path(name).name == name else Path(name)
    if _is_checkpoint(named):
        return named
    there = ", ".join(available(root)) or "none"
    raise CheckpointError(f"there is no checkpoint {str(name)!r}; the checkpoints are: {there}")


def load_card(folder: Path) -> Card:
    """Read `card.json`; CheckpointError where it is missing or not understood.

    >>> card = load_card(locate("resnext50_32x4d"))
    >>> card.backbone, card.taxonomy.codes
    ('resnext50_32x4d', ('akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'))
    >>> load_card(locate("ensemble")).members
    ['efficientnet_lite0', 'resnext50_32x4d', 'efficientnet_lite0_field']
    """
    return Card.from_dict(read_object(Path(folder) / CARD_FILE))


def member_folders(folder: Path, card: Card) -> list[Path]:
    """The folders of an ensemble's members, none of another checkpoint.

    Raises CheckpointError where one is missing, is an ensemble itself or has other classes.
    """
    found = []
    for name in card.members:
        places = [Path(folder) / name, Path(folder).parent / name]
        place = next((one for one in places if _is_checkpoint(one)), None)
        if Path(name).name != name or place is None:
            raise CheckpointError(
                f"{Path(folder).name} needs the checkpoint {name!r}, which is neither in its "
                "folder nor beside it"
            )
        member = load_card(place)
        if member.members or member.taxonomy != card.taxonomy:
            raise CheckpointError(
                f"{name!r} cannot be a member of {Path(folder).name}: it "
                + ("is an ensemble" if member.members else "has other classes")
            )
        found.append(place)
    return found


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_state_dict(folder: Path) -> dict[str, "torch.Tensor"]:
    """The weights as float32 tensors; CheckpointError where the file is not the card's."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(folder) / WEIGHTS_FILE
    card = load_card(folder)
    if card.weights_sha256 and file_sha256(path) != card.weights_sha256:
        raise CheckpointError(
            f"{path} is not the file that {CARD_FILE} describes (SHA-256 differs)"
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    return {
        key: tensor.to(torch.float32) if tensor.is_floating_point() else tensor
        for key, tensor in tensors.items()
    }
