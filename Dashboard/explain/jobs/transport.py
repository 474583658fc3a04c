"""Celery's filesystem broker, whose messages appear whole.

kombu's writes into a file that a worker already sees: one that looked in between took an empty
message, and its job waited for ever.
"""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

SCHEME = "whole-files"
TRIES, PAUSE_SECONDS = 100, 0.02


class Channel(filesystem.Channel):
    """Messages are put in place by a rename; a table that is being written is read again."""

    def _put(self, queue: str, message: Any, **_: Any) -> None:  # type: ignore[override]
        # A worker takes the first of the names.
        priority = message.get("properties", {}).get("priority") or 0
        name = f"{priority}_{round(1000 * time.monotonic()):015d}_{uuid.uuid4()}.{queue}"
        folder = Path(self.data_folder_out)
        staging = folder / f"{name}.new"  # no name that a worker looks for
        try:
            staging.write_text(json.dumps(message), encoding="utf-8")
            staging.replace(folder / f"{name}.msg")
        except OSError:
            staging.unlink(missing_ok=True)
            raise

    def get_table(self, exchange: str) -> Any:
        """Who is bound to an exchange."""
        return _again(super().get_table, exchange)

    def _queue_bind(self, *binding: Any) -> None:
        _again(super()._queue_bind, *binding)


class Transport(filesystem.Transport):
    """kombu's, with the channel of this module."""

    Channel = Channel


def _again(call: Callable[..., Any], *arguments: Any) -> Any:
    for _ in range(TRIES - 1):
        try:
            return call(*arguments)
        except ValueError:  # what is read was not written yet
            time.sleep(PAUSE_SECONDS)
    return call(*arguments)


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
