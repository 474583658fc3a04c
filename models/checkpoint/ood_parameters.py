"""The out-of-distribution (OOD) score: how unlike the training pictures an image looks to the
network.

The means of every channel of feature maps half-way up the network are compared with those of the
training pictures by the Mahalanobis distance of probabilistic principal components: the distance
within the subspace of the first components, each by its own variance, and the distance from that
subspace by the mean variance of all others (Tipping & Bishop, Probabilistic Principal Component
Analysis, J. R. Stat. Soc. B 61, 611-622, 1999; for networks Lee et al., A Simple Unified Framework
for Detecting Out-of-Distribution Samples, NeurIPS 2018). Half-way up, because the last layer keeps
what tells lesions apart and forgets what tells a lesion from a cat.

A distance knows skin alone, and some of what is no skin lies near it: fur, a page, the moon. So a
logistic regression on the same means, fitted on skin against pictures of other things (Hendrycks et
al., Deep Anomaly Detection with Outlier Exposure, ICLR 2019), may give its evidence, too. The score
is the larger of the two: what either takes for something else is flagged.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.checkpoint.card import OOD_FILE
from models.errors import CheckpointError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class OodParameters:
    """What the score needs, for embeddings of E values.

    mean, std: (E,), of the training pictures' embeddings.
    components: (E, K), orthonormal columns: the first principal components.
    variances: (K,), of the standardised embeddings along them.
    noise: (1,), their mean variance along all other directions.
    scale: (1,), the squared distance that has the score 1.
    other: (E,), weights by which the standardised embeddings speak for something else, on the
        scale of the distance; zeros where none were fitted.
    other_bias: (1,), what is added to their sum.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    components: NDArray[np.float32]
    variances: NDArray[np.float32]
    noise: NDArray[np.float32]
    scale: NDArray[np.float32]
    other: NDArray[np.float32]
    other_bias: NDArray[np.float32]

    def distance(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Squared distances (N,) of embeddings (N, E) from the training pictures, over `scale`."""
        z = self._standardised(embeddings)
        components = self.components.astype(np.float64)
        within = z @ components
        beside = z - within @ components.T
        squared = (within**2 / self.variances).sum(1) + (beside**2).sum(1) / self.noise[0]
        return np.asarray(squared / self.scale[0])

    def something_else(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Evidence (N,) of embeddings (N, E) for something else than skin; 0 if none is fitted."""
        return np.asarray(self._standardised(embeddings) @ self.other + self.other_bias[0])

    def score(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores (N,) of embeddings (N, E): at least 0, higher for images less like training's."""
        return np.maximum(self.distance(embeddings), self.something_else(embeddings))

    def _standardised(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((embeddings.astype(np.float64) - self.mean) / self.std)

    def module(self) -> "torch.nn.Module":
        """`score` as a module for the served graph. Needs torch."""
        import torch

        class Score(torch.nn.Module):
            """Embeddings (N, E) to scores (N,)."""

            def __init__(self, parameters: OodParameters) -> None:
                super().__init__()
                scale = float(parameters.scale[0])
                self.weights = {
                    "mean": torch.from_numpy(parameters.mean),
                    "std": torch.from_numpy(parameters.std),
                    "components": torch.from_numpy(parameters.components.astype(np.float32)),
                    "across": torch.from_numpy(1 / (scale * parameters.variances)),
                    "beside": torch.tensor(1 / (scale * float(parameters.noise[0]))),
                    "other": torch.from_numpy(parameters.other),
                    "other_bias": torch.from_numpy(parameters.other_bias),
                }

            def forward(self, embedding: torch.Tensor) -> torch.Tensor:
                w = self.weights
                z = (embedding - w["mean"]) / w["std"]
                within = z @ w["components"]
                # Not |z|^2 - |within|^2: in bfloat16 the difference of two large sums is noise.
                beside = z - within @ w["components"].T
                distance = (within**2 * w["across"]).sum(1) + (beside**2).sum(1) * w["beside"]
                return torch.maximum(distance, z @ w["other"] + w["other_bias"])

        return Score(self)


def no_evidence(width: int) -> dict[str, NDArray[np.float32]]:
    """The parameters for embeddings of `width` values by which nothing speaks for something else.

    >>> {name: values.shape for name, values in no_evidence(5).items()}
    {'other': (5,), 'other_bias': (1,)}
    """
    return {"other": np.zeros(width, np.float32), "other_bias": np.zeros(1, np.float32)}


def load_ood(folder: Path) -> OodParameters | None:
    """The fitted parameters beside a checkpoint's weights; None where there are none.

    Raises CheckpointError where the file cannot be used.
    """
    path = Path(folder) / OOD_FILE
    if not path.is_file():
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        # A file from before there was evidence for something else has none.
        tensors = no_evidence(len(tensors["mean"])) | tensors
        return OodParameters(**{f.name: tensors[f.name] for f in fields(OodParameters)})
    except (SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None


def save_ood(path: Path, parameters: OodParameters) -> None:
    """Write the parameters; the components, which are most of it, as float16."""
    from safetensors.numpy import save_file

    tensors = {
        f.name: np.ascontiguousarray(getattr(parameters, f.name)) for f in fields(parameters)
    }
    tensors["components"] = tensors["components"].astype(np.float16)
    save_file(tensors, path)
