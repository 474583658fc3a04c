"""Huey's queues: one for each lane, in SQLite on one machine, in PostgreSQL or Redis for many.

Messages are JSON: nothing is unpickled. A wake-up says nothing, not even which job.
"""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey  # type: ignore[import-untyped]
from huey.consumer import Consumer  # type: ignore[import-untyped]
from huey.registry import Message  # type: ignore[import-untyped]
from huey.serializer import Serializer  # type: ignore[import-untyped]

from Dashboard.explain.jobs.order import LANES, Lane

QUEUE_FILE = "queue.sqlite3"
# How often a queue in a file is looked at; PostgreSQL and Redis say when there is something.
LOOK_SECONDS = 0.1
CONNECT_SECONDS, ANSWER_SECONDS = 3, 20
CREATE_ATTEMPTS = 5
# Nothing is scheduled, and looking for it writes.
SCHEDULER_SECONDS = 60

logger = logging.getLogger(__name__)
Queues = dict[Lane, Huey]


class Json(Serializer):  # type: ignore[misc]
    """Messages and values as JSON."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        found = json.loads(data)
        return Message(*found) if isinstance(found, list) else found


def wake_queues(folder: Path | None, database_url: str | None) -> Queues:
    """The queues of wake-ups of one store.

    folder: of the server, where its store lies on this machine alone.

    Raises:
        OSError, sqlite3.Error, psycopg.Error: there is no such place.
    """
    if database_url is not None:
        return {lane: _in_postgresql(lane, database_url) for lane in LANES}
    file = str((folder or Path()) / QUEUE_FILE)
    return {
        lane: SqliteHuey(lane, filename=file, fsync=False, results=False, serializer=Json())
        for lane in LANES
    }


def redis_queues(url: str) -> Queues:
    """The queues of pictures to explain."""
    from redis import ConnectionPool

    pool = ConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
    )
    return {
        lane: RedisHuey(f"lesions_{lane}", connection_pool=pool, results=False, serializer=Json())
        for lane in LANES
    }


def _in_postgresql(lane: Lane, url: str) -> Huey:
    import psycopg

    for _ in range(CREATE_ATTEMPTS):  # two that create the same table at once: one of them fails
        try:
            return PostgresHuey(
                lane, dsn=url, connect_timeout=CONNECT_SECONDS, results=False, serializer=Json()
            )
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            continue
    return PostgresHuey(lane, dsn=url, results=False, serializer=Json())


def task(queue: Huey, do: Callable[..., object]) -> Callable[..., Any]:
    """What sends a message to a queue whose consumer calls `do`; the same name on both sides."""

    def run(*arguments: Any) -> None:
        do(*arguments)

    send: Callable[..., Any] = queue.task(name="explain")(run)
    return send


def consume(queues: Queues, threads: Mapping[Lane, int]) -> None:
    """Call the tasks of all queues, each from threads of its own, until a signal ends this."""
    consumers = [
        Consumer(
            queue,
            workers=threads[lane],
            periodic=False,
            initial_delay=LOOK_SECONDS,
            backoff=1.0,
            max_delay=LOOK_SECONDS,
            scheduler_interval=SCHEDULER_SECONDS,
        )
        for lane, queue in queues.items()
    ]
    for consumer in consumers[1:]:
        consumer.start()
    consumers[0].run()
    for consumer in consumers[1:]:
        consumer.stop()
