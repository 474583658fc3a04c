"""Trained networks whose probabilities another network learns (distillation).

Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015, arXiv:1503.02531; with
the same views for both, as in Beyer et al., Knowledge distillation: a good teacher is patient and
consistent, CVPR 2022, arXiv:2106.05237.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from models.checkpoints import load_network, locate
from models.preprocessing import Preprocessing
from models.taxonomy import HAM10000, Taxonomy
from retraining.tensors import normalised


@dataclass(frozen=True)
class Teacher:
    """A trained network, what it takes and the temperature that calibrates it."""

    network: nn.Module
    preprocessing: Preprocessing
    temperature: float

    @classmethod
    def load(cls, name: str, device: torch.device, taxonomy: Taxonomy = HAM10000) -> "Teacher":
        """The checkpoint `name`; ValueError where its classes are others."""
        network, card = load_network(locate(name))
        if card.taxonomy.codes != taxonomy.codes:
            raise ValueError(f"teacher {name!r} has other classes: {card.taxonomy.codes}")
        network = network.to(device).to(memory_format=torch.channels_last)
        return cls(network, card.preprocessing, card.temperature)


@torch.no_grad()
def mean_log_probabilities(teachers: Sequence[Teacher], raw: torch.Tensor) -> torch.Tensor:
    """Logarithm of the teachers' mean probabilities, evenly frequent classes.

    raw: (N, 3, H, H) in 0..1, given to the teachers at that size. Returns (N, classes).
    """
    probabilities = []
    for teacher in teachers:
        card = teacher.preprocessing
        logits = teacher.network(normalised(raw, card.mean, card.std))
        probabilities.append(functional.softmax(logits.float() / teacher.temperature, 1))
    # Far below any probability that matters; keeps the logarithm finite.
    return torch.stack(probabilities).mean(0).clamp_min(1e-6).log()
