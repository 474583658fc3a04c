"""Attributions from gradients, by Captum. Needs torch."""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from captum.attr import (  # type: ignore[import-untyped]
    DeepLift,
    GradientShap,
    GuidedBackprop,
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Saliency,
)
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

from interpretability.arrays import AttributionMap
from interpretability.attribution import task as baselines
from interpretability.attribution.placement import placed
from interpretability.attribution.progress import Meter
from interpretability.attribution.target import Target
from interpretability.attribution.task import Task
from quality.arrays import RGBImage

BATCH = 4
BACKWARD = 3  # a picture that also runs backward takes about three times as long
NOISE = 0.15  # deviation of SmoothGrad's noise, as a share of the picture's range


class Scored(torch.nn.Module):
    """A network whose output is the target's score, (N,); counts the pictures it has seen."""

    def __init__(
        self, network: torch.nn.Module, target: Target, meter: Meter, *, bfloat16: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self._target = target
        self._meter = meter
        self._bfloat16 = bfloat16

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Scores of normalised pictures (N, 3, S, S)."""
        self._meter.step()
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            logits = self.network(batch)
        scores = self._target.score_tensor(logits.float())
        self._meter.step(BACKWARD * len(batch))
        return scores


class Weighted(torch.nn.Module):
    """A network whose output is a weighted sum of its logits, (N,)."""

    def __init__(self, network: torch.nn.Module, weights: torch.Tensor, meter: Meter) -> None:
        super().__init__()
        self.network = network
        self.weights = weights
        self._meter = meter

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Scores of normalised pictures (N, 3, S, S)."""
        scores: torch.Tensor = self.network(batch) @ self.weights
        self._meter.step(BACKWARD * len(batch))
        return scores


@contextlib.contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """torch's and numpy's random numbers from a seed, and as they were afterwards.

    Captum's own messages, on gradients it asks for and hooks it sets, are not the user's concern.
    """
    state = np.random.get_state()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"captum\.")
        warnings.filterwarnings("ignore", message=r".*(backward hooks|did not already require)")
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)


def tensor(task: Task, *squares: RGBImage) -> torch.Tensor:
    """Squares as the network's normalised input, (N, 3, S, S)."""
    return torch.from_numpy(task.preprocessing.normalise(np.stack(squares or (task.square,))))


def _scored(task: Task) -> Scored:
    network = task.networks().folded
    return Scored(network, task.target, task.meter, bfloat16=task.bfloat16)


def _numpy(found: torch.Tensor) -> AttributionMap:
    return np.asarray(found.detach().float().numpy(), np.float32)


def gradcam_grids(task: Task, *, positive: bool = False) -> list[AttributionMap]:
    """Grad-CAM (h, w) on the cells of the last feature map, for every part of the network.

    positive: keep only what speaks for the target.
    """
    network, layers = task.networks().mapped
    scored = Scored(network, task.target, task.meter)
    return [
        _numpy(
            LayerGradCam(scored, layer).attribute(
                tensor(task).requires_grad_(), relu_attributions=positive
            )[0, 0]
        )
        for layer in layers
    ]


def gradcam(task: Task, *, positive: bool = False) -> AttributionMap:
    """Grad-CAM, each cell where it lies in the picture; of an ensemble, the members' sum."""
    size = len(task.square)
    entries = [entry for _, entry in task.networks().parts]
    grids = gradcam_grids(task, positive=positive)
    maps = [placed(one, entry.name, size) for one, entry in zip(grids, entries, strict=True)]
    return np.asarray(np.sum(maps, axis=0), np.float32)


def saliency(task: Task) -> AttributionMap:
    """Largest absolute gradient over the channels."""
    found = Saliency(_scored(task)).attribute(tensor(task).requires_grad_())
    return _numpy(found[0].amax(0))


def smoothgrad(task: Task) -> AttributionMap:
    """Mean gradient over noisy copies; its largest magnitude over the channels."""
    inputs = tensor(task)
    spread = NOISE * float(inputs.max() - inputs.min())
    tunnel = NoiseTunnel(Saliency(_scored(task)))
    found = tunnel.attribute(
        inputs.requires_grad_(),
        nt_type="smoothgrad",
        nt_samples=int(task.settings["samples"]),
        nt_samples_batch_size=BATCH,
        stdevs=spread,
        abs=False,
    )
    return _numpy(found[0].abs().amax(0))


def integrated_gradients(task: Task) -> AttributionMap:
    """Gradients along the straight line from plain skin to the picture."""
    found = IntegratedGradients(_scored(task)).attribute(
        tensor(task),
        baselines=tensor(task, baselines.skin(task.square)),
        n_steps=int(task.settings["steps"]),
        internal_batch_size=BATCH,
    )
    return _numpy(found[0].sum(0))


def gradient_shap(task: Task) -> AttributionMap:
    """Gradients at random points between the picture and plain or blurred ones."""
    references = tensor(
        task,
        baselines.skin(task.square),
        baselines.plain(task.square),
        baselines.blurred(task.square),
    )
    method = GradientShap(_scored(task))
    left = int(task.settings["samples"])
    total = left
    result: AttributionMap | None = None
    while left:  # all at once would hold every sample's activations
        count = min(BATCH, left)
        found = method.attribute(tensor(task), baselines=references, n_samples=count)
        part = _numpy(found[0].sum(0)) * (count / total)
        result = part if result is None else result + part
        left -= count
    return np.asarray(result, np.float32)


def guided_gradcam(task: Task) -> AttributionMap:
    """Guided backpropagation weighted by positive Grad-CAM."""
    guided = GuidedBackprop(Scored(task.networks().guided, task.target, task.meter))
    found = _numpy(guided.attribute(tensor(task).requires_grad_())[0].sum(0))
    return found * gradcam(task, positive=True)


def deeplift(task: Task) -> AttributionMap:
    """Differences from plain skin, passed back by the rescale rule."""
    network = task.networks().rescaled
    inputs, reference = tensor(task), tensor(task, baselines.skin(task.square))
    with torch.no_grad():
        ends = network(torch.cat([reference, inputs]))
    task.meter.step(2)
    weights = _secant(task.target, ends[0], ends[1])
    weighted = Weighted(network, weights, task.meter)
    found = DeepLift(weighted).attribute(inputs.requires_grad_(), baselines=reference)
    return _numpy(found[0].sum(0))


def _secant(target: Target, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Weights (C,) whose sum over the logits changes as the score does from `start` to `end`.

    The score's gradient averaged along the line between the two, by Gauss and Legendre's rule; for
    a class it is one there and zero elsewhere.
    """
    nodes, weights = leggauss(16)
    steps = torch.from_numpy((nodes + 1) / 2).float()[:, None]
    points = (start + steps * (end - start)).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(target.score_tensor(points).sum(), points)
    shares: NDArray[np.float64] = weights / 2
    return (torch.from_numpy(shares).float()[:, None] * slopes).sum(0)


METHODS: Mapping[str, Callable[[Task], AttributionMap]] = {
    "gradcam": gradcam,
    "saliency": saliency,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "gradient_shap": gradient_shap,
    "guided_gradcam": guided_gradcam,
    "deeplift": deeplift,
}
