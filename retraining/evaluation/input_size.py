"""The size at which a trained network sees images, chosen on val."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.registry.taxonomy import Taxonomy
from retraining.evaluation.scores import labels_of
from retraining.metrics.metrics import macro_auc

# Networks trained on random zooms often do best at a size above the training size (Touvron et
# al., Fixing the train-test resolution discrepancy, NeurIPS 2019); val chooses among these.
SIZE_FACTORS = (1.0, 1.15, 1.3, 1.45)

Logits = Callable[[pd.DataFrame], NDArray[np.floating]]


def choose_size(
    trained: int,
    val: pd.DataFrame,
    taxonomy: Taxonomy,
    at: Callable[[int], Logits],
    size: int | None = None,
) -> tuple[int, NDArray[np.floating]]:
    """Input size, pixels, with the highest macro AUC on val (or `size`), and the logits there.

    trained: the size that the network was trained at; at: logits (N, K) of images at a size.
    """
    sizes = [size] if size else [round(trained * factor / 16) * 16 for factor in SIZE_FACTORS]
    labels = labels_of(val, taxonomy)
    tried = {side: at(side)(val) for side in sizes}
    best = max(tried, key=lambda side: macro_auc(labels, tried[side]))
    return best, tried[best]
