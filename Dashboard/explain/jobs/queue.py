"""Celery as both sides use it: the queue without results, one job at a time in each worker."""

import secrets
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]

from Dashboard.explain.jobs.store import Store
from Dashboard.explain.jobs.transport import SCHEME
from Dashboard.explain.jobs.work import heartbeat, work

TASK = "explain"
QUEUE = "explanations"
FOLDERS = ("queue", "taken", "control")
POLL_SECONDS = 0.2


def make_celery(*, folder: Path | None = None, redis_url: str | None = None) -> Celery:
    """The queue: messages in a private folder of this machine, or in Redis."""
    if folder is not None:
        broker = f"{SCHEME}://localhost"
        waiting, taken, control = (str(folder / name) for name in FOLDERS)
        options: dict[str, Any] = {
            "data_folder_in": waiting,
            "data_folder_out": waiting,
            "control_folder": control,
            # A message that is taken passes through here rather than through the system's
            # folder of temporary files.
            "store_processed": False,
            "processed_folder": taken,
            "polling_interval": POLL_SECONDS,
        }
    else:
        broker = redis_url or ""
        options = {"socket_connect_timeout": 3, "socket_timeout": 20}
    app = Celery("lesions", broker=broker)
    app.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_publish_retry_policy={"max_retries": 1},
        task_serializer="json",
        accept_content=["json"],
        # A message is taken off the queue for good when its job is through, and none is taken
        # ahead: a worker that dies holds up no job but the one it died with.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # In the worker's own process: a fork of it would load torch again.
        worker_pool="solo",
        worker_concurrency=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
    )
    return app


def register(app: Celery, store: Store, explainer: str) -> None:
    """Give a worker's `app` its task, and let others see that it is up."""
    from celery.signals import (  # type: ignore[import-untyped]
        worker_ready,
        worker_shutdown,
    )

    from Dashboard.explain.jobs.records import WORKER_KEY

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def explain(key: str) -> None:
        work(key, store, explainer)

    sign = heartbeat(store, f"{WORKER_KEY}-{secrets.token_hex(8)}")

    @worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def up(**_: Any) -> None:
        sign.__enter__()

    @worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    def down(**_: Any) -> None:
        sign.__exit__(None, None, None)
