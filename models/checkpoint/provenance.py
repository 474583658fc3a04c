"""Where a checkpoint comes from: `provenance.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.checkpoint.json_files import check_keys, read_object

PROVENANCE_FILE = "provenance.json"


@dataclass(frozen=True)
class Provenance:
    """How a checkpoint was made.

    reproducible: whether the repository can make these weights again, and why not, in a sentence.
    data: of the training: `name`, `source`, `licence`, `paper`.
    split: its scheme and hash (`sha256`), counts of images and lesions.
    weights: what the training began with: `start` is `imagenet`, `none`, `hints` (none, but blocks
        that learnt from published ones) or a key of `lineage`; with `source`, `licence` and the
        paper of the `architecture`, where they are known.
    teachers: keys of `lineage`.
    members: of an ensemble: by name, `version` and `weights_sha256`.
    lineage: the checkpoints that this one came of, directly or not. A key is the name, the version
        and the beginning of the weights' hash; an entry has `recipe`, `weights`, `teachers` and the
        `collections` that it was trained on, as far as they are known.
    training: `recipe`, the resolved `config`, the `log` by epoch, the `device`.
    versions: of the libraries that made the weights.
    """

    reproducible: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    teachers: list[str] = field(default_factory=list)
    members: dict[str, dict[str, str]] = field(default_factory=dict)
    lineage: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def collections(self) -> list[str]:
        """Names of the collections that it, or what it came of, was trained on."""
        learnt = [self.split, *self.lineage.values()]
        return list(dict.fromkeys(name for one in learnt for name in one.get("collections", ())))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Provenance":
        """Inverse of `to_dict`; CheckpointError for unknown keys."""
        check_keys(data, cls, PROVENANCE_FILE)
        return cls(**data)


def load_provenance(folder: Path) -> Provenance:
    """Read `provenance.json`; of a checkpoint without one, nothing is known.

    Raises CheckpointError where the file is not understood.

    >>> from models.checkpoint.card import locate
    >>> load_provenance(locate("resnext50_32x4d")).data["name"]
    'HAM10000'
    """
    path = Path(folder) / PROVENANCE_FILE
    return Provenance.from_dict(read_object(path)) if path.exists() else Provenance()
