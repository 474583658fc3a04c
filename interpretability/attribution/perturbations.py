"""Attributions from the served model alone, by hiding parts of the picture. Needs torch (Captum).

Hidden parts take the colour of the skin around the lesion; see `task.skin`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge  # type: ignore[import-untyped]
from captum.attr import KernelShap, Lime, Occlusion  # type: ignore[import-untyped]

from interpretability.arrays import AttributionMap
from interpretability.attribution.superpixels import stretched, superpixels
from interpretability.attribution.task import Task, skin
from quality.arrays import RGBImage

BATCH = 16
# Of the `lime` package's image explainer, so that results compare.
KERNEL_WIDTH = 0.25
RIDGE = 1.0


def _tensor(square: RGBImage) -> torch.Tensor:
    """A square as float32 (1, 3, S, S), values 0 to 255."""
    return torch.from_numpy(square.transpose(2, 0, 1)[np.newaxis].astype(np.float32))


def _asked(task: Task) -> Callable[[torch.Tensor], torch.Tensor]:
    """The target's score as Captum calls a model: (N, 3, S, S) of 0..255 to (N,)."""

    def forward(batch: torch.Tensor) -> torch.Tensor:
        task.meter.step()
        squares = batch.numpy().transpose(0, 2, 3, 1).astype(np.uint8)
        scores = task.scores(np.ascontiguousarray(squares))
        task.meter.step(len(squares))
        return torch.from_numpy(scores).float()

    return forward


def window_and_stride(size: int, window: float, stride: float) -> tuple[int, int]:
    """Both in pixels, for shares of a side of `size` pixels."""
    return max(1, round(size * window)), max(1, round(size * stride))


def occlusion(task: Task) -> AttributionMap:
    """The fall of the score where a square window is hidden, averaged over the windows."""
    side, step = window_and_stride(
        len(task.square), task.settings["window"], task.settings["stride"]
    )
    found = Occlusion(_asked(task)).attribute(
        _tensor(task.square),
        sliding_window_shapes=(3, side, side),
        strides=(3, step, step),
        baselines=_tensor(skin(task.square)),
        perturbations_per_eval=BATCH,
    )
    return np.asarray(found[0, 0].numpy(), np.float32)


def _similarity(_whole: object, _hidden: object, kept: torch.Tensor, **_kwargs: Any) -> float:
    """LIME's weight of a sample: near the picture where few superpixels are hidden.

    Exponential kernel over the cosine distance between the vector of kept superpixels and ones.
    """
    distance = 1 - float(kept.float().mean().sqrt())
    return float(np.exp(-((distance / KERNEL_WIDTH) ** 2) / 2))


def _over_superpixels(task: Task, method: Lime) -> AttributionMap:
    size = len(task.square)
    labels = superpixels(task.picture, int(task.settings["superpixels"]))
    mask = torch.from_numpy(stretched(labels, size, size).astype(np.int64))
    found = method.attribute(
        _tensor(task.square),
        baselines=_tensor(skin(task.square)),
        feature_mask=mask[None, None],
        n_samples=int(task.settings["samples"]),
        perturbations_per_eval=BATCH,
        return_input_shape=False,
    )
    values = np.zeros(labels.max() + 1, np.float32)
    weights = found.flatten().numpy()
    values[: len(weights)] = weights
    height, width = task.picture.shape[:2]
    return values[stretched(labels, width, height)]


def lime(task: Task) -> AttributionMap:
    """Weight of every superpixel in a linear model of the score around the picture."""
    model = SkLearnRidge(alpha=RIDGE)
    return _over_superpixels(task, Lime(_asked(task), model, similarity_func=_similarity))


def kernel_shap(task: Task) -> AttributionMap:
    """Shapley value of every superpixel, estimated from samples."""
    return _over_superpixels(task, KernelShap(_asked(task)))


METHODS: Mapping[str, Callable[[Task], AttributionMap]] = {
    "occlusion": occlusion,
    "lime": lime,
    "kernel_shap": kernel_shap,
}
