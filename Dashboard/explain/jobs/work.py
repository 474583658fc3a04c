"""What the worker does with one job: decode, explain, draw, keep the results for a while."""

import gc
import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import quality
from Dashboard.explain.jobs import KEEP_SECONDS, records
from Dashboard.explain.jobs.records import Record
from Dashboard.explain.jobs.store import Store, StoreError
from Dashboard.explain.maps import OPACITY, encode_map
from interpretability.attribution.task import at_most
from interpretability.methods import METHODS
from interpretability.rendering import overlay
from models.inference.memory import resident_bytes, return_freed_blocks

EXPLAINER = "interpretability:explain"
# Of larger pictures map and drawings are of this size: a map of floats takes 4 bytes a pixel. The
# network sees all of a picture, as it does where it is classified.
MAX_PIXELS = 4_000_000
# With more between two jobs, the worker closes its models: the README says how much it takes.
MOST_RESIDENT_BYTES = 1300 * 10**6
BEAT_SECONDS, BEAT_LASTS_SECONDS = 3.0, 20.0
PROGRESS_SECONDS = 0.25

logger = logging.getLogger(__name__)
Explain = Callable[..., Any]


class Cancelled(Exception):  # noqa: N818 (it is no error)
    """Somebody asked for the job to stop."""


def find(explainer: str) -> Explain:
    """The function that `MODULE:NAME` names."""
    module, _, name = explainer.partition(":")
    return cast(Explain, getattr(import_module(module), name))


def work(key: str, store: Store, explainer: str) -> None:
    """Carry out one job; whatever goes wrong with it is written into its record.

    A key whose job is unknown, expired or not waiting is passed over: a queue may deliver twice.
    """
    data = store.get(records.record_key(key))
    record = Record.load(data) if data else None
    if record is None or record.state != "queued":
        return
    job = _Job(key, store, record)
    # The record is final before the signs of life end: who misses them must not think it lost.
    with heartbeat(store, records.alive_key(key)):
        try:
            job.run(explainer)
        except Cancelled:
            job.write(state="cancelled", error=records.CANCELLED)
        except StoreError as error:
            store.remove(*(name(key) for name in records.RESULTS))
            job.write(state="failed", error=str(error))
        except (quality.ImageError, ValueError) as error:
            job.write(state="failed", error=str(error))
        except Exception as error:
            # Neither its text nor its values, which may hold something of the picture.
            logger.error("an explanation failed: %s at %s", type(error).__name__, _place(error))
            name = type(error).__name__
            job.write(state="failed", error=f"the explanation failed in the worker ({name})")
        finally:
            store.remove(records.input_key(key), records.cancel_key(key))
            job.give_back(explainer)


class _Job:
    def __init__(self, key: str, store: Store, record: Record) -> None:
        self.key, self.store, self.record = key, store, record
        self.start = self.written = time.monotonic()

    def write(self, **changes: Any) -> None:
        self.written = time.monotonic()
        self.record = replace(self.record, elapsed=round(self.written - self.start, 2), **changes)
        self.store.put(records.record_key(self.key), self.record.dump(), KEEP_SECONDS)

    def progress(self, fraction: float) -> None:
        if time.monotonic() - self.written >= PROGRESS_SECONDS:
            self.write(fraction=round(min(max(fraction, 0.0), 1.0), 4))

    def cancelled(self) -> bool:
        return self.store.get(records.cancel_key(self.key)) is not None

    def run(self, explainer: str) -> None:
        if self.cancelled():
            raise Cancelled
        order = self.record.order
        data = self.store.get(records.input_key(self.key))
        if data is None:
            raise ValueError("the explanation waited too long, and its picture was deleted")
        # Before torch is loaded: the message is off the queue, and a job that still waits when the
        # worker dies would wait for ever.
        self.write(state="running")
        explain = find(explainer)
        limits = quality.Limits(max_bytes=order.max_bytes, max_pixels=order.max_pixels)
        image = quality.decode(data, limits)
        try:
            found = explain(
                image,
                model=order.model,
                method=order.method,
                precision=order.precision,
                target=order.target,
                prior=order.prior,
                tta=order.tta,
                max_pixels=MAX_PIXELS,
                progress=self.progress,
                cancelled=self.cancelled,
                root=Path(order.root),
            )
        except Exception:
            if self.cancelled():
                raise Cancelled from None
            raise
        if self.cancelled():
            raise Cancelled
        self._keep(image, found)

    def give_back(self, explainer: str) -> None:
        """Return what the job needed; a model keeps a copy of itself for some of the methods."""
        return_freed_blocks()
        if resident_bytes() > MOST_RESIDENT_BYTES:
            close = getattr(import_module(explainer.partition(":")[0]), "close_models", None)
            if close is not None:
                close()
                gc.collect()
                return_freed_blocks()

    def _keep(self, image: NDArray[np.uint8], found: Any) -> None:
        height, width = image.shape[:2]
        image = at_most(image, MAX_PIXELS)
        array = io.BytesIO()
        np.save(array, found.map.astype(np.float32))
        # One scale and one kind of colours, whether the browser draws the map or this does.
        limit, signed = overlay.scale_of(found.map), METHODS[self.record.order.method].signed
        view = {**encode_map(found.map, limit), "signed": signed}
        drawn = overlay.heatmap(image, found.map, OPACITY, limit, signed)
        for name, value in (
            (records.array_key, array.getvalue()),
            (records.picture_key, overlay.png(drawn)),
            (records.outlines_key, overlay.png(overlay.contours(image, found.map))),
            (records.view_key, json.dumps(view).encode()),
        ):
            self.store.put(name(self.key), value, KEEP_SECONDS)
        if self.cancelled():  # who asked was told that it is
            self.store.remove(*(name(self.key) for name in records.RESULTS))
            raise Cancelled
        result = {
            "target": found.target,
            "probability": found.probability,
            "seconds": round(found.seconds, 3),
            "width": width,
            "height": height,
        }
        self.write(state="done", fraction=1.0, result=result)


@contextmanager
def heartbeat(store: Store, key: str) -> Iterator[None]:
    """Renew `key` from a thread for as long as this lasts, so that others see it go on."""
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(BEAT_SECONDS):
            try:
                store.put(key, b"1", BEAT_LASTS_SECONDS)
            except Exception:  # the next beat may find the store again
                logger.warning("the store of explanations did not take a sign of life")

    store.put(key, b"1", BEAT_LASTS_SECONDS)
    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        store.remove(key)


def _place(error: Exception) -> str:
    """File and line where an error was raised."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    return f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
