"""How many explanations may wait: in all, and of one who asks."""

from Dashboard.explain.jobs import records
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.explain.jobs.records import Record
from Dashboard.explain.jobs.room import NO_ROOM, BoundedStore
from Dashboard.explain.jobs.store import Store

# Explanations that wait for the worker or are with it, and pictures whose order has not come yet.
MOST_OPEN, MOST_OF_ONE = 24, 12


def waiting(store: Store, by: str, size: int) -> int:
    """How many of them `by` has already, where one more of `size` bytes may come.

    by: address of who asks, as its hash.

    Raises:
        Unavailable: they are too many, of all or of this one, or this one's have half of the room.
    """
    staged, inputs = records.staged_key("")[:-1], records.input_key("")
    owners = {name: name.removeprefix(staged).partition(".")[0] for name in store.keys(staged)}
    for name in store.keys(inputs):
        data = store.get(records.record_key(name.removeprefix(inputs)))
        owners[name] = Record.load(data).by if data else ""
    ours = [name for name, owner in owners.items() if owner == by]
    if len(owners) >= MOST_OPEN:
        raise Unavailable("too many explanations are waiting; try again in a minute")
    if len(ours) >= MOST_OF_ONE:
        raise Unavailable(
            f"{len(ours)} of your explanations are waiting, the most that may; "
            "try again when one is done"
        )
    if isinstance(store, BoundedStore):
        held = {name: size for name, _, size in store.entries()}
        if size + sum(held.get(name, 0) for name in ours) > store.most_bytes / 2:
            raise Unavailable(NO_ROOM)
    return len(ours)
