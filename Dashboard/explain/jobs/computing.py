"""From a picture's file and an order to a map: in this process, by the function that explains."""

import gc
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

import numpy as np

import quality
from Dashboard.explain.jobs.order import FAST_SECONDS, Lane, Order
from Dashboard.explain.jobs.turns import Turns
from models.inference.memory import resident_bytes, return_freed_blocks

EXPLAINER = "interpretability:explain"
# Of larger pictures maps and drawings are of this size: a map of floats takes 4 bytes a pixel. The
# network sees all of a picture, as it does where it is classified.
MAX_PIXELS = 4_000_000
# Threads of each lane. One fast job that takes long leaves room for two others.
THREADS: Mapping[Lane, int] = MappingProxyType({"fast": 3, "slow": 1})
# With more between two jobs, the worker closes its models: the README says how much it takes.
MOST_RESIDENT_BYTES = 1300 * 10**6
Explain = Callable[..., Any]


class Stopped(Exception):  # noqa: N818 (it is no error)
    """Nobody wants the explanation any more."""


@dataclass(frozen=True)
class Computed:
    """What came out.

    map: a .npy file, float32, of at most `MAX_PIXELS`.
    seconds: what such a map takes; None where models had to be opened first.
    result: target, its probability, the seconds that it took without what others took meanwhile,
        and of the picture width and height.
    """

    map: bytes
    seconds: float | None
    result: dict[str, Any]


class Compute(Protocol):
    """What makes maps: here, or somewhere else."""

    def __call__(
        self,
        data: bytes,
        order: Order,
        lane: Lane,
        progress: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> Computed:
        """The map of a picture's file.

        progress: called with the share that is done.

        Raises:
            Stopped: `stopped` said so.
            quality.ImageError, ValueError: with a sentence for users.
        """

    def give_back(self) -> None:
        """Return what a job needed."""


def find(explainer: str) -> Explain:
    """The function that `MODULE:NAME` names."""
    module, _, name = explainer.partition(":")
    return cast(Explain, getattr(import_module(module), name))


class HereComputing:
    """Computes in this process.

    explainer: `MODULE:FUNCTION`, with the signature of `interpretability.explain`.
    """

    def __init__(self, explainer: str) -> None:
        self._explainer = explainer
        self._turns = Turns()
        # What models and methods have been opened for.
        self._open: set[tuple[str, str]] = set()

    def __call__(
        self,
        data: bytes,
        order: Order,
        lane: Lane,
        progress: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> Computed:
        """As `Compute`."""
        explain = find(self._explainer)
        limits = quality.Limits(max_bytes=order.max_bytes, max_pixels=order.max_pixels)
        image = quality.decode(data, limits)
        named = (order.model, order.method, order.precision, order.target, order.prior, order.tta)
        model, method, precision, target, prior, tta = named
        paused, begun = 0.0, time.monotonic()

        def cancelled() -> bool:
            nonlocal paused
            # What was expected to be fast and is not lets others go first, too.
            if lane == "slow" or time.monotonic() - begun > FAST_SECONDS:
                paused += self._turns.let_in()
            return stopped()

        try:
            with self._turns.turn(first=lane == "fast"):
                begun = time.monotonic()
                found = explain(
                    image,
                    model=model,
                    method=method,
                    precision=precision,
                    target=target,
                    prior=prior,
                    tta=tta,
                    max_pixels=MAX_PIXELS,
                    progress=progress,
                    cancelled=cancelled,
                    root=Path(order.root),
                )
        except Exception:
            if stopped():
                raise Stopped from None
            raise
        if stopped():
            raise Stopped
        array = io.BytesIO()
        np.save(array, found.map.astype(np.float32))
        result = {
            "target": found.target,
            "probability": found.probability,
            "seconds": round(max(found.seconds - paused, 0.0), 3),
            "width": image.shape[1],
            "height": image.shape[0],
        }
        used = (model, method)
        seconds = result["seconds"] if used in self._open else None
        self._open.add(used)
        return Computed(array.getvalue(), seconds, result)

    def give_back(self) -> None:
        """Return what a job needed; a model keeps a copy of itself for some of the methods."""
        return_freed_blocks()
        if resident_bytes() > MOST_RESIDENT_BYTES:
            close = getattr(import_module(self._explainer.partition(":")[0]), "close_models", None)
            if close is not None:
                close()
                self._open.clear()
                gc.collect()
                return_freed_blocks()
