"""Who waits for a job: pages that show how far it is, requests that wait for its end.

Equal requests share a job, so what one of them does to it happens to all: it is stopped only where
it has no other subscriber. A subscriber renews a value in the store, and is gone when that has
expired.
"""

from Dashboard.explain.jobs import KEEP_SECONDS
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.explain.jobs.records import subscriber_key, unsubscribed_key
from Dashboard.explain.jobs.store import Store

# Pages and requests that wait for the same job.
MOST_SUBSCRIBERS = 64
# A browser lets a page in the background ask once a minute only.
LEASE_SECONDS = 75


def subscribe(store: Store, key: str, who: str, seconds: float = LEASE_SECONDS) -> None:
    """Count `who`, a name of the caller's choice, among the subscribers of a job for `seconds`.

    Raises:
        Unavailable: it has as many as it may have.
    """
    names = store.keys(subscriber_key(key))
    if len(names) >= MOST_SUBSCRIBERS and subscriber_key(key, who) not in names:
        raise Unavailable("too many pages follow this explanation")
    store.put(subscriber_key(key, who), b"1", seconds)


def renew(store: Store, key: str, who: str) -> bool:
    """Count a subscriber for longer; False where it has unsubscribed."""
    if store.get(unsubscribed_key(key, who)) is not None:
        return False
    subscribe(store, key, who)
    return True


def unsubscribe(store: Store, key: str, who: str) -> None:
    """Count a subscriber no longer, whatever it asks from now on; who is none leaves no trace.

    Under a key of its own: a question of the subscriber that is being answered at the same time
    would have it counted again.
    """
    if store.get(subscriber_key(key, who)) is not None:
        store.put(unsubscribed_key(key, who), b"1", KEEP_SECONDS)


def has_subscribers(store: Store, key: str) -> bool:
    """Whether anybody waits for a job."""
    start = subscriber_key(key)
    names = (name.removeprefix(start) for name in store.keys(start))
    return any(store.get(unsubscribed_key(key, who)) is None for who in names)
