"""Who waits for a job: pages that show how far it is, requests that wait for its end.

Equal requests share a job, so what one of them does to it happens to all: it is stopped only where
nobody else follows it. A follower renews a value in the store, and is gone when that has expired.
"""

from Dashboard.explain.jobs import KEEP_SECONDS
from Dashboard.explain.jobs.records import follower_key, left_key
from Dashboard.explain.jobs.store import Store

# A browser lets a page in the background ask once a minute only.
FOLLOWING_SECONDS = 75


def follow(store: Store, key: str, who: str, seconds: float = FOLLOWING_SECONDS) -> None:
    """Count `who`, a name of the caller's choice, among the followers of a job for `seconds`."""
    store.put(follower_key(key, who), b"1", seconds)


def renew(store: Store, key: str, who: str) -> bool:
    """Count a follower for longer; False where it has left."""
    if store.get(left_key(key, who)) is not None:
        return False
    follow(store, key, who)
    return True


def leave(store: Store, key: str, who: str) -> None:
    """Count a follower no longer, whatever it asks from now on.

    In a place of its own: a question of the follower that is being answered at the same time
    would have it counted again.
    """
    store.put(left_key(key, who), b"1", KEEP_SECONDS)


def anybody(store: Store, key: str) -> bool:
    """Whether a job has a follower."""
    start = follower_key(key)
    names = (name.removeprefix(start) for name in store.keys(start))
    return any(store.get(left_key(key, who)) is None for who in names)
