"""Explanations by workers that have nothing but a Redis in common with the server.

The server's own worker hands a picture and an order in and waits; a worker on any machine computes.
Both renew a key for as long as they live: a worker that is killed is missed within seconds and its
job handed in again, and a job that its server wants no longer is stopped. Every value has an end.
"""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from Dashboard.explain.jobs.computing import THREADS, Compute, Computed, Stopped
from Dashboard.explain.jobs.lanes import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    consume,
    redis_queues,
    task,
)
from Dashboard.explain.jobs.order import Lane, Order
from Dashboard.explain.jobs.work import Pulse, in_words
from Dashboard.store.explanation_rows import KEEP
from Dashboard.store.explanation_work import TRIES, WORKER_DIED

PREFIX = "lesions"
WORKER = f"{PREFIX}:worker"
# A key that says that somebody lives lasts for so long; it is renewed ten times meanwhile.
ALIVE_SECONDS = 5
LOOK_SECONDS = 0.1
# A message that is gone although nobody began with it was lost with who took it.
LOST_SECONDS = 5.0


class Values:
    """The values of jobs in a Redis."""

    def __init__(self, url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
        )
        self.failure: type[Exception] = redis.RedisError

    def put(self, job: str, name: str, value: bytes, seconds: float = KEEP.seconds) -> None:
        """Keep a value of a job for so many seconds."""
        self._redis.set(f"{PREFIX}:{job}:{name}", value, px=round(1000 * seconds))

    def get(self, job: str, *names: str) -> list[bytes | None]:
        """Values of a job; None for what there is not, or not any more."""
        found: Any = self._redis.mget([f"{PREFIX}:{job}:{name}" for name in names])
        return list(found)

    def remove(self, job: str, *names: str) -> None:
        """Forget values of a job."""
        self._redis.delete(*(f"{PREFIX}:{job}:{name}" for name in names))

    def sign(self) -> None:
        """Say that a worker is up."""
        self._redis.set(WORKER, b"1", px=1000 * ALIVE_SECONDS)

    def signed(self) -> bool:
        """Whether a worker is up."""
        return bool(self._redis.exists(WORKER))


class ThereComputing:
    """The server's side: computes by whichever worker takes the job."""

    def __init__(self, url: str) -> None:
        self._values = Values(url)
        self._queues = redis_queues(url)
        self._send = {lane: task(queue, _nothing) for lane, queue in self._queues.items()}

    def __call__(
        self,
        data: bytes,
        order: Order,
        lane: Lane,
        progress: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> Computed:
        """As `Compute`."""
        job = secrets.token_urlsafe(16)
        try:
            self._values.put(job, "picture", data)
            for _ in range(TRIES):
                self._values.put(job, "wanted", b"1", ALIVE_SECONDS)
                self._send[lane](job, order.values(), lane)
                found = self._wait(job, lane, progress, stopped)
                if found is not None:
                    return found
            raise ValueError(WORKER_DIED)
        except self._values.failure as error:
            # Its text may hold the address, and the address a password.
            name = type(error).__name__
            raise ValueError(f"the workers that explain cannot be reached ({name})") from None
        finally:
            self._forget(job)

    def give_back(self) -> None:
        """Nothing: what a job needed is elsewhere."""

    def _wait(
        self,
        job: str,
        lane: Lane,
        progress: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> Computed | None:
        """What came out; None where the worker died."""
        began, handed_in = False, time.monotonic()
        while not stopped():
            self._values.put(job, "wanted", b"1", ALIVE_SECONDS)
            alive, done = self._values.get(job, "alive", "done")
            if done is not None:
                return _outcome(json.loads(done), self._values.get(job, "map")[0])
            if alive is not None:
                began = True
                progress(float(alive))
            elif began:
                return None
            elif time.monotonic() - handed_in > LOST_SECONDS:
                handed_in = time.monotonic()
                if not self._queues[lane].pending_count():
                    return None
            time.sleep(LOOK_SECONDS)
        raise Stopped

    def _forget(self, job: str) -> None:
        with contextlib.suppress(self._values.failure):  # all of them have an end
            self._values.remove(job, "wanted", "picture", "alive", "done", "map")


def _outcome(done: dict[str, Any], values: bytes | None) -> Computed:
    if "error" in done:
        raise ValueError(done["error"])
    return Computed(values or b"", done["seconds"], done["result"])


def _nothing(*_: object) -> None:
    """What a task does where it is only sent."""


class RemoteWork:
    """A worker's side."""

    def __init__(self, url: str, compute: Compute) -> None:
        self._values, self._compute = Values(url), compute
        self._queues = redis_queues(url)
        for queue in self._queues.values():
            task(queue, self._explain)

    def run(self) -> None:
        """Take jobs until a signal ends this."""
        threading.Thread(target=self._sign, daemon=True).start()
        consume(self._queues, THREADS)

    def _sign(self) -> None:
        while True:
            with contextlib.suppress(self._values.failure):  # the next time may find it again
                self._values.sign()
            time.sleep(ALIVE_SECONDS / 5)

    def _explain(self, job: str, order: dict[str, Any], lane: Lane) -> None:
        def beat(fraction: float) -> bool:
            self._values.put(job, "alive", str(fraction).encode(), ALIVE_SECONDS)
            return self._values.get(job, "wanted")[0] is not None

        if not beat(0.0):
            self._values.remove(job, "alive")
            return
        with Pulse(beat).beating() as pulse:
            done = self._done(job, Order(**order), lane, pulse)
        if done is not None:
            self._values.put(job, "done", json.dumps(done).encode())
        self._compute.give_back()

    def _done(self, job: str, order: Order, lane: Lane, pulse: Pulse) -> dict[str, Any] | None:
        (data,) = self._values.get(job, "picture")
        if data is None:
            return None
        try:
            found = self._compute(data, order, lane, pulse.progress, pulse.stopped)
        except Stopped:
            return None
        except Exception as error:
            return {"error": in_words(error)}
        self._values.put(job, "map", found.map)
        return {"seconds": found.seconds, "result": found.result}
