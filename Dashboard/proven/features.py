"""Whose features pictures are compared by."""

from typing import NamedTuple

from Dashboard.assess.service import Service
from models.checkpoint.card import DEFAULT_MODEL, Card, available, load_card


class Space(NamedTuple):
    """A checkpoint and its version: vectors of different ones cannot be compared."""

    model: str
    version: str


def features_model(service: Service) -> Space | None:
    """The server's own checkpoint; of an ensemble, which hands out no features, one of its members.

    None where none of them is a checkpoint of its own.

    Raises:
        ModelNotReady, CheckpointError: the checkpoint is not there, or its card cannot be read.
    """
    name = service.known(None)
    card: Card = load_card(service.root / name)
    if card.members:
        there = set(available(service.root)) & set(card.members)
        if not there:
            return None
        name = DEFAULT_MODEL if DEFAULT_MODEL in there else min(there)
        card = load_card(service.root / name)
    return Space(name, card.version)
