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

from models.backbones import get_layer
from models.checkpoints import load_network, locate
from models.preprocessing import Preprocessing
from models.taxonomy import HAM10000, Taxonomy
from retraining.tensors import normalised


@dataclass(frozen=True)
class Teacher:
    """A trained network, what it takes and the temperature that calibrates it."""

    network: nn.Module
    backbone: str
    preprocessing: Preprocessing
    temperature: float

    @classmethod
    def load(cls, name: str, taxonomy: Taxonomy = HAM10000) -> "Teacher":
        """The checkpoint `name`; ValueError where its classes are others."""
        network, card = load_network(locate(name))
        if card.taxonomy.codes != taxonomy.codes:
            raise ValueError(
                f"teacher {name!r} has other classes: {', '.join(card.taxonomy.codes)}"
            )
        network = network.to(memory_format=torch.channels_last).requires_grad_(False)
        return cls(network, card.backbone, card.preprocessing, card.temperature)


def tapped(network: nn.Module, layer: str) -> list[torch.Tensor]:
    """A list that after each call of `network` holds the output of `layer` alone."""
    held: list[torch.Tensor] = []

    def keep(_module: object, _inputs: object, output: torch.Tensor) -> None:
        held[:] = [output]

    get_layer(network, layer).register_forward_hook(keep)
    return held


class FeatureMatch(nn.Module):
    """Distance of the student's last feature map, projected, from the teacher's.

    After Romero et al., FitNets: hints for thin deep nets, ICLR 2015, arXiv:1412.6550. Both maps
    are averaged over a grid of 2 x 2, so that they may have different sizes; every channel of the
    teacher is scaled to a running mean of 0 and variance of 1.
    """

    def __init__(self, student: int, teacher: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(student, teacher, 1)
        self.scale = nn.BatchNorm2d(teacher, affine=False, momentum=0.02)

    def forward(self, student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """A scalar of maps (N, D, h, w) and (N, E, k, l), in float32 whatever made them."""
        with torch.autocast(student.device.type, enabled=False):
            wanted = self.scale(functional.adaptive_avg_pool2d(teacher.float(), 2))
            found = self.project(functional.adaptive_avg_pool2d(student.float(), 2))
            return functional.smooth_l1_loss(found, wanted.detach())


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
