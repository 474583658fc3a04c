"""Checks of what a classifier is given."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.checkpoint.card import Card


def prior_weights(prior: Mapping[str, float], card: Card) -> NDArray[np.float64]:
    """Prior over the card's own prior, by class; ValueError for what is no class frequency.

    >>> from models.checkpoint.card import load_card, locate
    >>> card = load_card(locate("resnext50_32x4d"))  # its prior: evenly frequent classes
    >>> rare = dict.fromkeys(card.taxonomy.codes, 0.05) | {"nv": 0.7}
    >>> prior_weights(rare, card).round(2).tolist()
    [0.35, 0.35, 0.35, 0.35, 0.35, 4.9, 0.35]
    """
    codes = card.taxonomy.codes
    if set(prior) != set(codes):
        raise ValueError(
            f"prior must name each class once ({', '.join(codes)}), got {', '.join(prior)}"
        )
    values = np.array([float(prior[code]) for code in codes])
    if not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise ValueError(f"prior must hold frequencies of at least 0, not all 0; got {dict(prior)}")
    trained = np.array([card.prior.get(code, 1.0) for code in codes])
    return np.asarray(values / trained, np.float64)


def positive(name: str, value: int | None) -> int | None:
    """`value`, which may be None for the default; ValueError where it is below 1."""
    if value is not None and value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def check_image(image: NDArray[np.uint8], index: int) -> None:
    """ValueError where the image at `index` of a list is not (H, W, 3) uint8."""
    kind = getattr(image, "dtype", type(image).__name__)
    if kind != np.uint8:
        raise ValueError(f"image {index} must be a uint8 array, got {kind}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image {index} must be (height, width, 3) RGB, got shape {image.shape}")
