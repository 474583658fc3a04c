"""Trained networks whose probabilities another network learns (distillation).

Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015, arXiv:1503.02531; with
the same views for both, as in Beyer et al., Knowledge distillation: a good teacher is patient and
consistent, CVPR 2022, arXiv:2106.05237.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from models.checkpoint.card import locate
from models.checkpoint.weights import load_network
from models.errors import CheckpointError
from models.registry.backbones import get_backbone
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.training.run_folder import BEST_FILE, load_trained
from retraining.training.tensors import normalised


@dataclass
class Teacher:
    """A trained network, what it takes and the temperature that calibrates it."""

    network: nn.Module
    backbone: str
    preprocessing: Preprocessing
    temperature: float
    joined: bool = False

    @classmethod
    def load(cls, name: str, taxonomy: Taxonomy = HAM10000) -> "Teacher":
        """The checkpoint `name`, or the run in that folder as it stands: its temperature is 1.

        Raises ValueError where its classes are others, CheckpointError where it is neither.
        """
        try:
            folder = locate(name)
        except CheckpointError:
            if not (Path(name) / BEST_FILE).is_file():
                raise
            network, config, classes = load_trained(Path(name))
            backbone, temperature = config.backbone, 1.0
            preprocessing = get_backbone(backbone).preprocessing(config.stages[-1].size)
        else:
            network, card = load_network(folder)
            classes, backbone, temperature = card.taxonomy, card.backbone, card.temperature
            preprocessing = card.preprocessing
        if classes.codes != taxonomy.codes:
            raise ValueError(f"teacher {name!r} has other classes: {', '.join(classes.codes)}")
        network = network.to(memory_format=torch.channels_last).requires_grad_(False)
        return cls(network, backbone, preprocessing, temperature)

    def join_layers(self) -> None:
        """Have the network compiled for each size it sees, its weights being constants.

        Normalisation goes into the convolutions then: a third of the time on processors.
        """
        self.network.compile(dynamic=False)
        self.joined = True

    @torch.no_grad()
    def logits(self, raw: torch.Tensor) -> torch.Tensor:
        """(N, classes) float32, calibrated, of pictures (N, 3, H, H) in 0..1 at that size."""
        inputs = normalised(raw, self.preprocessing.mean, self.preprocessing.std)
        if not self.joined:
            return cast(torch.Tensor, self.network(inputs).float() / self.temperature)
        from torch._inductor import config  # takes a second, which only compiling needs

        with config.patch(freezing=True):
            return cast(torch.Tensor, self.network(inputs).float() / self.temperature)


@torch.no_grad()
def mean_log_probabilities(teachers: Sequence[Teacher], raw: torch.Tensor) -> torch.Tensor:
    """Logarithm of the teachers' mean probabilities, evenly frequent classes.

    raw: (N, 3, H, H) in 0..1, given to the teachers at that size. Returns (N, classes).
    """
    probabilities = [functional.softmax(teacher.logits(raw), 1) for teacher in teachers]
    # Far below any probability that matters; keeps the logarithm finite.
    return torch.stack(probabilities).mean(0).clamp_min(1e-6).log()
