"""What is known of one job: a JSON object under the job's key. Needs nothing but Python."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
OPEN: tuple[State, ...] = ("queued", "running")

WORKER_DIED = "the worker that explains was stopped in the middle of this explanation; ask again"
NOT_STARTED = "the worker that explains does not start; the server's log says why"
CANCELLED = "the explanation was cancelled"


@dataclass(frozen=True)
class Order:
    """What is to be explained, and how.

    target: a class code, `malignant`, or None for the predicted class.
    root: folder of the checkpoints.
    max_bytes, max_pixels: limits of the picture, as the server's.
    usual_seconds: what such an explanation usually takes.
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
    usual_seconds: float = 0.0
    prior: Mapping[str, float] | None = None
    tta: bool = False


@dataclass(frozen=True)
class Requester:
    """Who asks, as hashes.

    who: whose the explanations are; equal requests of one find the same, of others they do not.
    address: what shares are counted by.
    """

    who: str = ""
    address: str = ""


ANYBODY = Requester()


@dataclass(frozen=True)
class Record:
    """A job as the store holds it.

    fraction: done, 0 to 1.
    elapsed: seconds that it has run, by the worker's clock.
    by: address of who asked, as its hash.
    error: one sentence where `state` is failed.
    result: where it is done: `target`, `probability`, `seconds`, and of the picture `width` and
        `height`.
    """

    order: Order
    state: State = "queued"
    fraction: float = 0.0
    elapsed: float = 0.0
    by: str = ""
    error: str | None = None
    result: dict[str, Any] | None = None

    def dump(self) -> bytes:
        """JSON form."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> "Record":
        """Inverse of `dump`."""
        values = json.loads(data)
        return cls(**values | {"order": Order(**values["order"])})


def record_key(key: str) -> str:
    """Where the record of a job lies."""
    return f"job-{key}"


def list_key(data: bytes, by: Requester) -> str:
    """Where the keys lie of what `by` asked for of a picture file."""
    return list_key_by_hash(hashlib.sha256(data).digest(), by)


def list_key_by_hash(sha256: bytes, by: Requester) -> str:
    """The same of a file whose SHA-256 this is."""
    return f"of-{hashlib.sha256(by.who.encode() + sha256).hexdigest()}"


def input_key(key: str) -> str:
    """Where the picture lies, until the job ends."""
    return f"input-{key}"


def staged_key(key: str, by: str = "") -> str:
    """Where a picture lies whose order has not come yet; by: address of who handed it in."""
    return f"staged-{by}.{key}"


def cancel_key(key: str) -> str:
    """What lies there asks the worker to stop."""
    return f"cancel-{key}"


def alive_key(key: str) -> str:
    """What the worker renews while it works on the job."""
    return f"alive-{key}"


def subscriber_key(key: str, who: str = "") -> str:
    """What lies there says that somebody follows the job; nobody: how all of these begin."""
    return f"follower-{key}-{who}"


def unsubscribed_key(key: str, who: str) -> str:
    """What lies there says that a follower of the job has left."""
    return f"left-{key}-{who}"


def picture_key(key: str) -> str:
    """The drawn explanation, PNG."""
    return f"picture-{key}"


def outlines_key(key: str) -> str:
    """The picture with outlines of its most important regions, PNG."""
    return f"outlines-{key}"


def array_key(key: str) -> str:
    """The map, .npy, of at most `Dashboard.explain.jobs.work.MAX_PIXELS`."""
    return f"array-{key}"


def view_key(key: str) -> str:
    """The map as the page draws it, JSON."""
    return f"view-{key}"


RESULTS = (picture_key, outlines_key, array_key, view_key)
"""Where what a job made lies."""
WORKER_KEY = "worker"
"""What begins so is renewed by a worker while it is up."""
BROKEN_KEY = "broken"
"""There while the embedded worker does not start."""
