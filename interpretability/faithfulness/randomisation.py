"""The model-randomisation sanity check: does a map change when the network knows nothing? Needs
torch.

Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, arXiv:1810.03292.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from interpretability.attribution.networks import Networks
from interpretability.faithfulness.localisation import Values, rank_correlation
from models.checkpoint.card import Card
from models.registry.backbones import build_network

ALIKE = 0.5


def random_networks(card: Card, pictures: Sequence[NDArray[np.uint8]], seed: int = 0) -> Networks:
    """The card's backbone with random weights.

    pictures: (H, W, 3) uint8; batch normalisation takes its statistics from them, without which
    activations would grow from layer to layer. Raises ValueError for an ensemble.
    """
    if card.members:
        raise ValueError("the model-randomisation sanity check takes one network, not an ensemble")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(card.backbone, len(card.taxonomy))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches
    squares = np.stack([card.preprocessing.resize(one) for one in pictures])
    with torch.no_grad():
        for module in network.modules():
            module.training = isinstance(module, torch.nn.BatchNorm2d)
        network(torch.from_numpy(card.preprocessing.normalise(squares)))
    return Networks(network, card)


def likeness(trained: Values, random: Values) -> float:
    """Rank correlation of the magnitudes of two maps; near 0 passes the check, near 1 fails it."""
    return rank_correlation(np.abs(trained), np.abs(random))


def fails(mean: float) -> bool:
    """Whether a method of that mean likeness is marked; one at the edge, to two digits, is."""
    return round(mean, 2) >= ALIKE
