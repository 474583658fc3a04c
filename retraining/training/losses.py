"""What training makes small: the labels' part of the loss, and the prior that it stands for."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from retraining.training.config import TrainConfig

BETA = 0.999  # of the effective number of images


def class_weights(
    config: TrainConfig, counts: NDArray[np.int64], codes: Sequence[str]
) -> NDArray[np.float64] | None:
    """The weight of every class in the loss, (C,); None where all weigh the same.

    counts: images of each class. The weights are scaled so that an image weighs 1 on average.
    """
    rule = config.class_weights
    if rule == "none":
        return None
    if isinstance(rule, Mapping):
        weights = np.array([float(rule.get(code, 1)) for code in codes])
        check_codes("class_weights", rule, codes)
    elif rule == "inverse":
        weights = 1 / counts
    elif rule == "sqrt_inverse":
        weights = 1 / np.sqrt(counts)
    else:
        weights = (1 - BETA) / (1 - BETA**counts)
    return np.asarray(weights * counts.sum() / (weights * counts).sum())


def check_codes(key: str, given: Mapping[str, object], codes: Sequence[str]) -> None:
    """ValueError where a setting names a class that the data has not."""
    for code in given:
        if code not in codes:
            raise ValueError(f"{key} names the class {code!r}; the classes are {', '.join(codes)}")


class LabelLoss(nn.Module):
    """Cross-entropy or focal loss of soft targets, with class weights.

    Equal to torch's `cross_entropy` with `weight` and `label_smoothing` for hard targets: the sum
    is divided by the weights of the targets before they were smoothed.
    """

    weight: torch.Tensor | None

    def __init__(self, config: TrainConfig, weight: NDArray[np.float64] | None) -> None:
        super().__init__()
        self.smoothing = config.label_smoothing
        self.gamma = config.focal_gamma if config.loss == "focal" else 0.0
        tensor = None if weight is None else torch.from_numpy(weight).float()
        self.register_buffer("weight", tensor, persistent=False)

    def forward(
        self, logits: torch.Tensor, target: torch.Tensor, *, together: bool = True
    ) -> torch.Tensor:
        """The loss, a scalar; logits and target (N, C) float32, rows of `target` sum to 1.

        together: whether the other processes of a distributed run have a share of this batch.
        """
        smoothed = target * (1 - self.smoothing) + self.smoothing / target.shape[1]
        if self.weight is None and not self.gamma:
            return functional.cross_entropy(logits, smoothed)
        log_p = functional.log_softmax(logits, 1)
        each = -smoothed * log_p
        if self.gamma:
            each = each * (1 - log_p.exp()) ** self.gamma
        if self.weight is None:
            return each.sum() / len(logits)
        divisor = (target * self.weight).sum()
        if together and torch.distributed.is_available() and torch.distributed.is_initialized():
            # Of all processes' images, so that the mean of their gradients is that of one.
            torch.distributed.all_reduce(divisor)
            divisor /= torch.distributed.get_world_size()
        return (each * self.weight).sum() / divisor
