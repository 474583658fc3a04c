"""Explanations of predictions: attribution maps, pictures of them, and how faithful they are.

Importing this needs no torch; `explain` does when it is called.
"""

from interpretability.attribution.explainer import (
    Explainer,
    Explanation,
    Unsupported,
    close_models,
    explain,
)
from interpretability.attribution.progress import Cancelled
from interpretability.method import PRECISIONS, Method
from interpretability.methods import METHODS, get_method

__all__ = [
    "METHODS",
    "PRECISIONS",
    "Cancelled",
    "Explainer",
    "Explanation",
    "Method",
    "Unsupported",
    "close_models",
    "explain",
    "get_method",
]
