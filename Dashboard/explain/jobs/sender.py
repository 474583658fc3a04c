"""The server's end of the queue: hands keys in, without loading Celery before the first."""

import os
import threading
from typing import Any

from Dashboard.config import Config
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.explain.jobs.local_worker import LocalWorkerManager


class Sender:
    """Hands jobs in; for all processes of one server, forked or not."""

    def __init__(self, config: Config, local_worker: LocalWorkerManager) -> None:
        self._config, self._local_worker = config, local_worker
        self._queue: tuple[int, Any] | None = None
        self._lock = threading.Lock()

    def send(self, key: str, priority: int = 0) -> None:
        """Hand in the key of a job; of several, one with a lower number is taken first.

        Raises:
            Unavailable: the queue cannot be reached.
        """
        from kombu.exceptions import KombuError, OperationalError

        from Dashboard.explain.jobs.queue import TASK, make_celery

        with self._lock:
            if self._queue is None or self._queue[0] != os.getpid():
                folder = self._local_worker.folder if self._config.redis_url is None else None
                queue = make_celery(folder=folder, redis_url=self._config.redis_url)
                self._queue = (os.getpid(), queue)
            app = self._queue[1]
        try:
            app.send_task(TASK, args=[key], priority=priority)
        except (KombuError, OperationalError, OSError) as error:
            raise Unavailable(
                f"the queue of explanations cannot be reached ({type(error).__name__})"
            ) from None
