"""Fitting the out-of-distribution (OOD) score of `models.checkpoint.ood_parameters`."""

import numpy as np
from numpy.typing import NDArray

from models.checkpoint.ood_parameters import OodParameters, no_evidence


def fit(embeddings: NDArray[np.floating], components: int = 128) -> OodParameters:
    """Parameters from the training pictures' embeddings (N, E), with `scale` E.

    At most three fifths of E and a third of N are kept as components. Raises ValueError for fewer
    than 8 pictures.
    """
    if len(embeddings) < 8:
        raise ValueError(f"at least 8 pictures are needed, got {len(embeddings)}")
    values = embeddings.astype(np.float64)
    mean, std = values.mean(0), values.std(0)
    std = np.maximum(std, 1e-6 * max(float(std.max()), 1e-30))
    z = (values - mean) / std
    count, width = z.shape
    kept = max(1, min(components, 3 * width // 5, count // 3))
    found, vectors = np.linalg.eigh(z.T @ z / count)  # ascending
    rest = float(np.clip(found[:-kept], 0, None).mean())
    return OodParameters(
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        components=vectors[:, : -kept - 1 : -1].astype(np.float32),
        variances=np.maximum(found[: -kept - 1 : -1], 1e-6).astype(np.float32),
        noise=np.array([max(rest, 1e-6)], np.float32),
        scale=np.array([width], np.float32),
        **no_evidence(width),
    )
