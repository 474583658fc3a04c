"""The server's side of the jobs: hand in a picture, ask how far it is, fetch the results."""

import hashlib
import importlib.util
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from Dashboard.config import Config
from Dashboard.explain.jobs import KEEP_SECONDS, records, shares, subscriptions
from Dashboard.explain.jobs.errors import NotDone, Unavailable, UnknownJob
from Dashboard.explain.jobs.local_worker import LocalWorkerManager
from Dashboard.explain.jobs.records import ANYBODY, OPEN, Order, Record, Requester
from Dashboard.explain.jobs.sender import Sender
from Dashboard.explain.jobs.store import RedisStore, Store, StoreError
from Dashboard.explain.jobs.work import EXPLAINER

KEY = re.compile(r"[A-Za-z0-9_-]{22}")
# How long a picture waits for the order that comes with it.
STAGED_SECONDS = 60
POLL_SECONDS = 0.1


class Jobs:
    """Explanations of one server; one object for all its processes, forked or not.

    explainer: `MODULE:FUNCTION` that the worker calls, with the signature of
        `interpretability.explain`.
    """

    def __init__(self, config: Config, *, explainer: str = EXPLAINER) -> None:
        self.config = config
        self.explainer = explainer
        self._local_worker = LocalWorkerManager(config, explainer)
        self.sender = Sender(config, self._local_worker)
        self._redis: RedisStore | None = None

    @property
    def local(self) -> bool:
        """Whether this server keeps the worker itself."""
        return self.config.redis_url is None

    def prepare(self) -> None:
        """Make the folder that forked workers will share; start the worker if it is to be ready.

        To be called before the fork; without it the first job does it.

        Raises:
            Unavailable: the folder cannot be made.
        """
        if not self.local or self.config.explain == "off":
            return
        self._open()
        if self.config.explain == "ready":
            self._local_worker.start()

    def close(self) -> None:
        """End worker and supervisor, and delete what they held."""
        self._local_worker.close()

    def submit(self, data: bytes, order: Order, version: str = "", by: Requester = ANYBODY) -> str:
        """The key of a job that explains the picture file `data`, an equal one's where there is.

        version: of the model's weights; results of others are not taken.
        by: who asks: what others have asked for is not found.

        Raises:
            Unavailable: no worker, no room, or too much to do.
        """
        self._check()
        of = records.list_key(data, by)
        request = json.dumps([of, version, asdict(order)], sort_keys=True)
        same = f"same-{hashlib.sha256(request.encode()).hexdigest()}"
        with self._storing() as store:
            known = store.get(same)
            if known is not None and self._going(known.decode()):
                return known.decode()
            waiting = shares.waiting(store, by.address, len(data))
            key, record = secrets.token_urlsafe(16), Record(order, by=by.address)
            store.put(records.input_key(key), data, KEEP_SECONDS)
            store.put(records.record_key(key), record.dump(), KEEP_SECONDS)
            store.put(same, key.encode(), KEEP_SECONDS)
            listed = json.loads(store.get(of) or b"[]")
            store.put(of, json.dumps([*listed, key]).encode(), KEEP_SECONDS)
        if self.local:
            self._local_worker.start()
        try:
            # The second of one requester waits behind the first of all others.
            self.sender.send(key, priority=min(9, 3 * waiting))
        except Unavailable:  # nobody will take it: the next equal request must not wait for it
            with self._storing() as store:
                store.remove(same, records.record_key(key), records.input_key(key))
            raise
        return key

    def stage(self, data: bytes, by: Requester = ANYBODY) -> str:
        """The key of a picture file that an order will follow for, within `STAGED_SECONDS`.

        Raises:
            Unavailable: as `submit`.
        """
        self._check()
        key = secrets.token_urlsafe(16)
        with self._storing() as store:
            shares.waiting(store, by.address, len(data))
            store.put(records.staged_key(key, by.address), data, STAGED_SECONDS)
        return key

    def claim(self, key: str) -> bytes:
        """The picture file that was held under `key`; it is held no longer.

        Raises:
            UnknownJob, Unavailable.
        """
        if not KEY.fullmatch(key) or not self.opened():
            raise UnknownJob
        with self._storing() as store:
            names = [name for name in store.keys("staged-") if name.endswith(f".{key}")]
            data = store.get(names[0]) if names else None
            store.remove(*names)
        if data is None:
            raise UnknownJob
        return data

    def of_picture(
        self, data: bytes, model: str | None = None, by: Requester = ANYBODY
    ) -> list[str]:
        """Keys of the explanations that wait, run or are done for the picture file `data`.

        Servers that share a queue may have other settings: only those of predictions that this
        one would show.

        model: only those of this one.
        by: only what this one asked for.
        """
        if not self.opened():
            return []
        shown = (self.config.prior, self.config.tta)
        try:
            with self._storing() as store:
                listed = json.loads(store.get(records.list_key(data, by)) or b"[]")
                found = {key: self._going(key) for key in listed}
        except Unavailable:
            return []
        return [
            key
            for key, record in found.items()
            if record is not None
            and model in (None, record.order.model)
            and (record.order.prior, record.order.tta) == shown
        ]

    def status(self, key: str) -> Record:
        """How far a job is.

        Raises:
            UnknownJob, Unavailable.
        """
        if not KEY.fullmatch(key) or not self.opened():
            raise UnknownJob
        with self._storing():
            record = self._find(key)
            # A supervisor that was killed takes the worker along: the job would wait for ever.
            if self.local and record is not None and record.state in OPEN:
                self._local_worker.restart()
        if record is None:
            raise UnknownJob
        return record

    def wait(self, key: str, seconds: float) -> Record:
        """The record of a job once it is through, or as it is after `seconds`; as `status`."""
        end = time.monotonic() + seconds
        while (record := self.status(key)).state in OPEN and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        return record

    def subscribe(self, key: str, who: str, seconds: float = subscriptions.LEASE_SECONDS) -> None:
        """Count `who` among those that wait for a job, see `subscriptions`.

        Raises:
            Unavailable.
        """
        with self._storing() as store:
            subscriptions.subscribe(store, key, who, seconds)

    def poll(self, key: str, who: str) -> Record | None:
        """How far a job is, for one that goes on to follow it; None where that one has left.

        Raises:
            UnknownJob, Unavailable.
        """
        record = self.status(key)
        if record.state not in OPEN:
            return record
        with self._storing() as store:
            return record if subscriptions.renew(store, key, who) else None

    def unsubscribe(self, key: str, who: str, *, stop: bool = True) -> None:
        """Count a follower no longer; results are kept.

        stop: stop the job that waits or runs where nobody else follows it.

        Raises:
            UnknownJob, Unavailable.
        """
        record = self.status(key)
        with self._storing() as store:
            subscriptions.unsubscribe(store, key, who)
            if stop and record.state in OPEN and not subscriptions.has_subscribers(store, key):
                self._stop(store, key, record)

    def cancel(self, key: str) -> Record:
        """Stop a job that waits or runs, forget the results of one that is done; as `status`.

        For all pages that follow it.
        """
        record = self.status(key)
        with self._storing() as store:
            if record.state in OPEN:
                return self._stop(store, key, record)
            store.remove(*(name(key) for name in (records.record_key, *records.RESULTS)))
        return record

    def picture(self, key: str) -> bytes:
        """The drawn explanation of a job that is done, PNG.

        Raises:
            NotDone: it waits or runs.
            UnknownJob, Unavailable: as `status`; the first also where it failed.
        """
        return self._result(key, records.picture_key)

    def outlines(self, key: str) -> bytes:
        """The picture with outlines of its most important regions, PNG; as `picture`."""
        return self._result(key, records.outlines_key)

    def array(self, key: str) -> bytes:
        """Its map, float32 and of at most `MAX_PIXELS`, as a .npy file; as `picture`."""
        return self._result(key, records.array_key)

    def view(self, key: str) -> dict[str, Any]:
        """Its map as `Dashboard.explain.maps.encode_map` writes it, and `signed`; as `picture`."""
        view: dict[str, Any] = json.loads(self._result(key, records.view_key))
        return view

    def _stop(self, store: Store, key: str, record: Record) -> Record:
        store.put(records.cancel_key(key), b"1", KEEP_SECONDS)
        if record.state == "queued":
            store.remove(records.input_key(key))
        return replace(record, state="cancelled", error=records.CANCELLED)

    def _result(self, key: str, name: Callable[[str], str]) -> bytes:
        record = self.status(key)
        if record.state in OPEN:
            raise NotDone(
                f"this explanation is not done yet, it is {record.state}: "
                "ask again when its state is done"
            )
        if record.state != "done":
            raise UnknownJob(f"this explanation has no results: {record.error}")
        with self._storing() as store:
            value = store.get(name(key))
        if value is None:
            raise UnknownJob
        return value

    def _check(self) -> None:
        if self.config.explain == "off":
            raise Unavailable("explanations are switched off on this server (EXPLAIN)")
        if not self.local:
            with self._storing() as store:
                if not store.keys(records.WORKER_KEY):
                    raise Unavailable(
                        "no worker for explanations is up: start one with "
                        "`celery -A Dashboard.explain.jobs worker`"
                    )
            return
        if self.explainer == EXPLAINER and importlib.util.find_spec("torch") is None:
            raise Unavailable(
                "explanations need torch, which is not installed beside this server: "
                "see requirements/explain.txt"
            )
        self._open()
        with self._storing() as store:
            if store.get(records.BROKEN_KEY) is not None:
                raise Unavailable(records.NOT_STARTED)

    def _going(self, key: str) -> Record | None:
        """The record of a job that is done or on its way there."""
        record = self._find(key)
        return record if record is not None and record.state in (*OPEN, "done") else None

    def _find(self, key: str) -> Record | None:
        store = self.store()
        # Looked for before the record: it goes when that says how the job ended, and in the other
        # order a job that is cancelled would seem to run again.
        cancelled = store.get(records.cancel_key(key)) is not None
        data = store.get(records.record_key(key))
        record = Record.load(data) if data else None
        if record is None:
            return None
        # The worker notices between two batches, which may take seconds.
        if record.state in OPEN and cancelled:
            return replace(record, state="cancelled", error=records.CANCELLED)
        if record.state == "running" and store.get(records.alive_key(key)) is None:
            again = store.get(records.record_key(key))  # it may have ended between the two looks
            record = Record.load(again) if again else record
            if record.state == "running":
                return replace(record, state="failed", error=records.WORKER_DIED)
        return record

    def opened(self) -> bool:
        """Whether there is a place where explanations may lie."""
        return not self.local or self._local_worker.opened

    def _open(self) -> None:
        try:
            self._local_worker.open()
        except OSError as error:
            raise Unavailable(
                f"explanations have no place for their files: {error.strerror}"
            ) from None

    def store(self) -> Store:
        """Redis, or this server's folder, made where it is missing (OSError where it cannot be)."""
        if not self.local:
            self._redis = self._redis or RedisStore(str(self.config.redis_url))
            return self._redis
        found = self._local_worker.store
        self._local_worker.keep_swept()
        return found

    @contextmanager
    def _storing(self) -> Iterator[Store]:
        try:
            yield self.store()
        except StoreError as error:
            raise Unavailable(str(error)) from None
        except OSError as error:
            raise Unavailable(
                f"explanations have no room for their files: {error.strerror}"
            ) from None


__all__ = ["Jobs", "NotDone", "Unavailable", "UnknownJob"]
