"""What is to be explained, and how: what a worker has to know beside the picture."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Lane = Literal["fast", "slow"]
LANES: tuple[Lane, ...] = ("fast", "slow")
# What is expected to take less than so many seconds never waits behind what takes more.
FAST_SECONDS = 2.0


@dataclass(frozen=True)
class Order:
    """An explanation to make.

    target: a class code, `malignant`, or None for the predicted class.
    root: folder of the checkpoints.
    max_bytes, max_pixels: limits of the picture, as the server's.
    prior, tta: of the server's predictions, so that the predicted class and its probability are
        those that it shows.
    """

    model: str
    method: str
    precision: str
    target: str | None
    root: str
    max_bytes: int
    max_pixels: int
    prior: Mapping[str, float] | None = None
    tta: bool = False

    def values(self) -> dict[str, Any]:
        """As JSON has it; `Order(**values)` is the inverse."""
        return asdict(self)

    def request(self, of: str, version: str) -> str:
        """Hash of what equal requests have in common.

        of: key of an assessment, or hash of a picture's file.
        version: of the model's weights; results of others are not taken.
        """
        return hashlib.sha256(json.dumps([of, version, self.values()]).encode()).hexdigest()
