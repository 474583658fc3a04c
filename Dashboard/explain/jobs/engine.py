"""The server's side of the jobs: hand in what is to be explained, ask how far it is, fetch maps."""

import hashlib
import importlib.util
import io
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Dashboard.config import Config
from Dashboard.explain.jobs.computing import EXPLAINER
from Dashboard.explain.jobs.errors import NotDone, Unavailable, UnknownJob
from Dashboard.explain.jobs.lanes import Queues, task, wake_queues
from Dashboard.explain.jobs.local_worker import LocalWorkerManager
from Dashboard.explain.jobs.order import FAST_SECONDS, Lane, Order
from Dashboard.explain.jobs.remote import Values
from Dashboard.store.errors import TooMany, UnknownExplanation
from Dashboard.store.explanation_rows import KEEP, OPEN
from Dashboard.store.explanation_work import ExplanationWork
from Dashboard.store.schema import Explanation, Item
from Dashboard.store.store import Store

POLL_SECONDS = 0.1
# How long a job goes on that nobody asks for: of a page, and of a program that comes when it likes.
WATCHED_SECONDS = 8.0
PROGRAM_SECONDS = KEEP.total_seconds()
NOT_STARTED = "the worker that explains does not start; the server's log says why"
NO_WORKER = "no worker for explanations is up: start one with `python -m Dashboard work`"

logger = logging.getLogger(__name__)


class Jobs:
    """Explanations of one server; one object for all its processes, forked or not.

    store: None: made from `config`.
    explainer: `MODULE:FUNCTION` that the worker calls, with the signature of
        `interpretability.explain`.
    """

    def __init__(
        self, config: Config, store: Store | None = None, *, explainer: str = EXPLAINER
    ) -> None:
        self.config, self.explainer = config, explainer
        self.store = store or Store(config)
        self.rows = self.store.explanations
        self._local_worker = LocalWorkerManager(config, explainer)
        self._queues: tuple[int, Queues] | None = None
        self._send: dict[Lane, Callable[..., Any]] = {}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Make the folder that forked workers will share; start the worker if it is to be ready.

        To be called before the fork; without it the first job does it.

        Raises:
            OSError: the folder cannot be made.
            StoreUnavailable, StoreFull.
        """
        if self.config.explain == "off":
            return
        _ = self._local_worker.folder
        if self.config.explain == "ready":
            self._local_worker.start(self.store.place.folder)

    def close(self) -> None:
        """End worker and supervisor, and delete what they held."""
        with self._lock:
            if self._queues is not None and self._queues[0] == os.getpid():
                for queue in self._queues[1].values():
                    queue.storage.close()
            self._queues = None
        self._local_worker.close()

    def submit(
        self,
        owner: str,
        order: Order,
        version: str,
        estimate: float,
        *,
        usual: float | None = None,
        data: bytes | None = None,
        item: Item | None = None,
        address: str = "",
        patience: float = PROGRAM_SECONDS,
        alone: bool = False,
    ) -> str:
        """The key of a job, an equal one's of this owner where there is.

        version: of the model's weights; results of others are not taken.
        estimate: seconds that it is expected to take.
        usual: those that it takes where nothing else is to do; the fewer choose its lane, since a
            slow one in the fast lane lets others in, and a fast one in the slow lane waits.
        data, item: what is explained: a picture's file, or an assessment that is kept.
        address: hash of where the request comes from, by which shares are counted.
        patience: seconds that it goes on without anybody asking for it.
        alone: whether it is never that of another request.

        Raises:
            Unavailable: no worker, no room, or too much to do.
            StoreUnavailable, StoreFull.
        """
        self._check()
        of = secrets.token_urlsafe(16) if alone else hashlib.sha256(data or b"").hexdigest()
        expires: datetime | None = self.store.now() + KEEP
        if item is not None:
            of = item.key
            kept = self.store.retention
            expires = None if kept is None else item.created + kept
        fewest = estimate if usual is None else min(estimate, usual)
        lane: Lane = "fast" if fewest < FAST_SECONDS else "slow"
        asked = {
            "owner": owner, "request": order.request(of, version), "address": address,
            "item_id": None if item is None else item.id, "expires": expires,
            "model": order.model, "version": version, "method": order.method,
            "precision": order.precision, "target": order.target, "order": order.values(),
            "lane": lane, "patience": patience, "estimate": estimate,
        }  # fmt: skip
        try:
            row, new = self.rows.put(asked, data)
        except TooMany as error:
            raise Unavailable(str(error)) from None
        if row.state in OPEN:
            self._see_to_a_worker()
        if new:
            self._wake(lane)
        return row.key

    def status(self, owner: str, key: str) -> Explanation:
        """How far a job is.

        Raises:
            UnknownJob, StoreUnavailable, StoreFull.
        """
        try:
            row = self.rows.look(owner, key)
        except UnknownExplanation:
            raise UnknownJob from None
        if row.state in OPEN:
            # A supervisor that was killed takes the worker along: the job would wait for ever.
            self._see_to_a_worker()
        return row

    def wait(self, owner: str, key: str, seconds: float) -> Explanation:
        """The row of a job once it is through, or as it is after `seconds`; as `status`."""
        end = time.monotonic() + seconds
        while (row := self.status(owner, key)).state in OPEN and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        return row

    def cancel(self, owner: str, key: str) -> Explanation:
        """Stop a job that waits or runs, forget one that is over; as `status`."""
        try:
            return self.rows.cancel(owner, key)
        except UnknownExplanation:
            raise UnknownJob from None

    def done(self, owner: str, key: str) -> Explanation:
        """The row of a job that is done.

        Raises:
            NotDone: it waits or runs.
            UnknownJob: as `status`; also where it failed.
            StoreUnavailable, StoreFull.
        """
        row = self.status(owner, key)
        if row.state in OPEN:
            raise NotDone(
                f"this explanation is not done yet, it is {row.state}: "
                "ask again when its state is done"
            )
        if row.state != "done":
            raise UnknownJob(f"this explanation has no results: {row.error}")
        return row

    def map(self, row: Explanation) -> NDArray[np.float32]:
        """The map (h, w) of a job that is done.

        Raises:
            UnknownJob: it was deleted meanwhile.
        """
        data = self.rows.map(row)
        if data is None:
            raise UnknownJob
        values: NDArray[np.float32] = np.load(io.BytesIO(data), allow_pickle=False)
        return values

    def picture(self, row: Explanation) -> bytes:
        """The picture's file.

        Raises:
            UnknownJob: it was deleted meanwhile.
        """
        data = self.rows.picture(row)
        if data is None:
            raise UnknownJob
        return data

    def _check(self) -> None:
        """Refuse what nobody will do.

        Raises:
            Unavailable.
        """
        if self.config.explain == "off":
            raise Unavailable("explanations are switched off on this server (EXPLAIN)")
        if self.config.redis_url is not None:
            values = Values(self.config.redis_url)
            try:
                up = values.signed()
            except values.failure as error:
                # Its text may hold the address, and the address a password.
                raise Unavailable(
                    f"the queue of explanations cannot be reached ({type(error).__name__})"
                ) from None
            if not up:
                raise Unavailable(NO_WORKER)
        elif not self._computes() and self.config.database_url is None:
            raise Unavailable(
                "explanations need torch, which is not installed beside this server: "
                "see requirements/explain.txt"
            )
        if self._local_worker.broken:
            raise Unavailable(NOT_STARTED)

    def _computes(self) -> bool:
        return self.explainer != EXPLAINER or importlib.util.find_spec("torch") is not None

    def _see_to_a_worker(self) -> None:
        if self.config.redis_url is None and not self._computes():
            return  # those of other machines take it
        if self._local_worker.broken and self.config.database_url is None:
            ExplanationWork(self.rows).fail_waiting(NOT_STARTED)
            return
        try:
            self._local_worker.start(self.store.place.folder)
        except OSError as error:
            raise Unavailable(
                f"explanations have no place for their queue: {error.strerror}"
            ) from None

    def _wake(self, lane: Lane) -> None:
        """Tell a worker; where it does not hear, it finds the row by itself a second later."""
        try:
            with self._lock:
                if self._queues is None or self._queues[0] != os.getpid():
                    url = self.config.database_url
                    queues = wake_queues(self._local_worker.folder, url)
                    self._queues = (os.getpid(), queues)
                    self._send = {name: task(one, _nothing) for name, one in queues.items()}
            self._send[lane]()
        except Exception as error:
            logger.warning("no worker was woken (%s)", type(error).__name__)


def _nothing() -> None:
    """What a task does where it is only sent."""
