"""What is explained: the score of a class, or of malignancy. Needs no torch itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.registry.taxonomy import Taxonomy

if TYPE_CHECKING:
    import torch

MALIGNANT = "malignant"


@dataclass(frozen=True)
class Target:
    """A class by code, or "malignant", and the score that a map takes apart.

    For a class the score is its logit. For "malignant" it is the log odds of the product's
    malignant probability, that is the log-sum-exp of the malignant classes' logits minus that of
    the others', both divided by the temperature. A sum of the malignant logits would not do: a
    constant added to all logits changes it and no probability.

    code: the class's code, or "malignant".
    indices: the class's position in the output, or those of the malignant classes.
    temperature: of the calibration.
    """

    code: str
    indices: tuple[int, ...]
    temperature: float = 1.0

    @property
    def is_malignant(self) -> bool:
        """Whether the score is that of malignancy, not of one class."""
        return self.code == MALIGNANT

    def score(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Scores (N,) of logits (N, C)."""
        values = logits.astype(np.float64)
        if not self.is_malignant:
            return values[:, self.indices[0]]
        inside = np.isin(np.arange(values.shape[1]), self.indices)
        scaled = values / self.temperature
        log_sum = np.logaddexp.reduce
        return np.asarray(log_sum(scaled[:, inside], axis=1) - log_sum(scaled[:, ~inside], axis=1))

    def score_tensor(self, logits: "torch.Tensor") -> "torch.Tensor":
        """Scores (N,) of logits (N, C), differentiable."""
        import torch

        if not self.is_malignant:
            return logits[:, self.indices[0]]
        others = [i for i in range(logits.shape[1]) if i not in self.indices]
        scaled = logits / self.temperature
        return torch.logsumexp(scaled[:, list(self.indices)], 1) - torch.logsumexp(
            scaled[:, others], 1
        )

    def probability(self, probabilities: NDArray[np.floating[Any]]) -> float:
        """The share of probabilities (C,) that the target stands for."""
        return float(sum(probabilities[i] for i in self.indices))


def choose_target(
    target: str | None,
    taxonomy: Taxonomy,
    probabilities: NDArray[np.floating[Any]],
    temperature: float = 1.0,
) -> Target:
    """The target of a request: a class code, "malignant", or None for the most probable class.

    probabilities: (C,) of the picture, at the prior of the prediction that is meant.
    Raises ValueError that names the accepted codes.
    """
    if target is None:
        target = taxonomy.codes[int(probabilities.argmax())]
    if target == MALIGNANT:
        return Target(MALIGNANT, taxonomy.malignant_indices, temperature)
    if target not in taxonomy.codes:
        raise ValueError(
            f"unknown class {target!r}; the classes are {', '.join(taxonomy.codes)}, "
            f"and {MALIGNANT!r} for the malignant ones together"
        )
    return Target(target, (taxonomy.index(target),), temperature)
