"""Explanations go when their picture does."""

import json
from collections.abc import Iterable
from contextlib import suppress

from Dashboard.explain.jobs import records
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.explain.jobs.errors import Unavailable, UnknownJob
from Dashboard.explain.jobs.records import Requester
from Dashboard.explain.jobs.store import StoreError


def forget(jobs: Jobs, sha256: str, by: Iterable[Requester]) -> None:
    """Stop and delete all that was asked for of a picture file.

    What cannot be reached now is deleted when its time is over, as everything is.
    """
    if not jobs.opened():
        return
    with suppress(Unavailable, StoreError, OSError):
        for requester in by:
            of = records.list_key_by_hash(bytes.fromhex(sha256), requester)
            listed = json.loads(jobs.store().get(of) or b"[]")
            jobs.store().remove(of)
            for key in listed:
                with suppress(UnknownJob):
                    jobs.cancel(key)
