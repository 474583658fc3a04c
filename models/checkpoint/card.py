"""What describes a checkpoint: its card, its folder and files, their hashes, its tensors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself.

    name, version: shown with every prediction.
    backbone: key of `models.registry.backbones.BACKBONES`.
    taxonomy: the ordered classes of the output.
    preprocessing: how a picture becomes the input.
    temperature: logits are divided by it before the softmax.
    prior: the class frequencies that the probabilities stand for, by code; evenly frequent
        unless said otherwise.
    operating_point: `{"threshold", ...}` on the malignant probability; None: not chosen yet.
    operating_curve: what to expect of other thresholds, with about fifty of them, rising:
        `{"split", "n", "threshold", "sensitivity", "specificity"}`; None: not measured.
    ood: thresholds of the out-of-distribution score; None: the model has none.
    metrics: one entry per metric: `{"metric", "split", "n", "value", "low", "high"}`, 95 %.
    calibration: how the temperature was chosen, and errors of the probabilities.
    predictive_values: at stated prevalences, `{"rule", "split", "prevalence", "positive",
        "negative"}`, each `{"value", "low", "high"}`.
    breakdowns: metrics by sex, age, body site and way of diagnosis: `{"by", "group", "split",
        "n", "lesions", "malignant", "metrics"}`.
    description, intended_use, limits: sentences for people.
    provenance: data, the weights that training started from, the teachers, and under `ancestors`
        what is known of each of those, once.
    backbone_weights: of a checkpoint that holds a last layer alone, the network it stands on:
        `{"backbone", "weights", "seed", "sha256"}`, see
        `models.pretrained.imagenet.backbone_state`; empty where the checkpoint holds the whole
        network.
    training: the resolved configuration.
    split: scheme, seed, counts and hash of the split.
    licence: of the weights.
    versions: of the libraries that made them.
    weights_sha256: of `model.safetensors`.
    members: names of the checkpoints whose calibrated probabilities are averaged, each a folder
        inside this one or beside it. Such a checkpoint, an ensemble, has no weights of its own;
        its backbone is `ENSEMBLE`.
    """

    name: str
    version: str
    backbone: str
    taxonomy: Taxonomy
    preprocessing: Preprocessing
    licence: str
    temperature: float = 1.0
    prior: dict[str, float] = field(default_factory=dict)
    operating_point: dict[str, Any] | None = None
    operating_curve: dict[str, Any] | None = None
    ood: dict[str, Any] | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)
    predictive_values: list[dict[str, Any]] = field(default_factory=list)
    breakdowns: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    intended_use: str = ""
    limits: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    backbone_weights: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    weights_sha256: str = ""
    members: list[str] = field(default_factory=list)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise CheckpointError(
                f"card.json has format version {self.format_version}; "
                f"this release reads version {FORMAT_VERSION}"
            )
        if not self.temperature > 0:
            raise CheckpointError(f"temperature must be above 0, got {self.temperature}")
        if (self.backbone == ENSEMBLE) != bool(self.members):
            raise CheckpointError(
                f"members belong to the backbone {ENSEMBLE!r} and to no other; got "
                f"{self.backbone!r} with {len(self.members)} members"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        data = asdict(self)
        data["taxonomy"] = self.taxonomy.to_dict()
        data["preprocessing"] = self.preprocessing.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Card":
        """Inverse of `to_dict`; CheckpointError for unknown or missing keys."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise CheckpointError(
                f"card.json has unknown keys {', '.join(unknown)}; "
                f"known are {', '.join(sorted(known))}"
            )
        values = dict(data)
        try:
            values["taxonomy"] = Taxonomy.from_dict(data["taxonomy"])
            values["preprocessing"] = Preprocessing.from_dict(data["preprocessing"])
            return cls(**values)
        except KeyError as error:
            raise CheckpointError(f"card.json lacks {error.args[0]!r}") from None
        except TypeError as error:
            raise CheckpointError(f"card.json is incomplete: {error}") from None


def available(root: Path = WEIGHTS_DIR) -> list[str]:
    """Names of the checkpoints under `root`, sorted."""
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
        return _read_card(folder).get("members")
    except CheckpointError:
        return None


def locate(name: str | Path, root: Path = WEIGHTS_DIR) -> Path:
    """The folder of checkpoint `name`, or of a path to one; CheckpointError names what is there."""
    named = root / name if isinstance(name, str) and Path(name).name == name else Path(name)
    if _is_checkpoint(named):
        return named
    there = ", ".join(available(root)) or "none"
    raise CheckpointError(f"there is no checkpoint {str(name)!r}; the checkpoints are: {there}")


def load_card(folder: Path) -> Card:
    """Read `card.json`; CheckpointError where it is missing or not understood."""
    return Card.from_dict(_read_card(folder))


def _read_card(folder: Path) -> dict[str, Any]:
    path = Path(folder) / CARD_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}, not an object")
    return data


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
