"""From a picture to an attribution map: the one way in, for commands, dashboard and notebooks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.methods import Number, get_method
from interpretability.progress import Meter, Progress
from interpretability.target import choose_target
from models.checkpoints import DEFAULT_MODEL, WEIGHTS_DIR, Card, load_card, locate

if TYPE_CHECKING:
    import torch

    from models.classifier import Classifier

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]


class Unsupported(ValueError):  # noqa: N818 (the name tells the state)
    """A method that does not work with a backbone; the message says why."""


@dataclass(frozen=True)
class Explanation:
    """An attribution map and what it is of.

    map: float32 (H, W) of the picture; positive speaks for the target, negative against it,
        zero says nothing. Methods that are not `signed` have no negative values. The unit is that
        of the method; compare maps by rank or after dividing by their largest magnitude.
    method, model: names.
    target: a class code or "malignant".
    precision: Low, Medium or High.
    settings: the method's parameters.
    seconds: what it took.
    probability: calibrated probability of the target, in [0, 1].
    predicted: code of the most probable class.
    """

    map: Map
    method: str
    target: str
    precision: str
    model: str
    seconds: float
    probability: float
    predicted: str
    settings: Mapping[str, Number]


class Explainer:
    """A checkpoint, opened for explanations; the same input gives the same map."""

    def __init__(self, model: str | Path = DEFAULT_MODEL, *, root: Path = WEIGHTS_DIR) -> None:
        """Find the checkpoint; the network is loaded when a method first needs it.

        Raises CheckpointError where there is none, or it has no weights.
        """
        self.folder = locate(model, root)
        self.card: Card = load_card(self.folder)
        self._network: torch.nn.Module | None = None
        self._classifier: Classifier | None = None

    @property
    def network(self) -> "torch.nn.Module":
        """The torch network, in evaluation mode, without gradients of its weights."""
        if self._network is None:
            from models.checkpoints import load_network

            network, _ = load_network(self.folder)
            self._network = network.requires_grad_(False)
        return self._network

    @property
    def classifier(self) -> "Classifier":
        """The served model; its export is made where it is missing."""
        if self._classifier is None:
            from models.classifier import Classifier
            from models.export import export

            export(self.folder)
            self._classifier = Classifier(self.folder)
        return self._classifier

    def explain(
        self,
        image: Picture,
        *,
        method: str = "gradcam",
        precision: str = "Medium",
        target: str | None = None,
        settings: Mapping[str, object] | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Explanation:
        """The attribution map of a picture; see `explain`."""
        from interpretability import gradients

        started = time.perf_counter()
        entry = get_method(method)
        chosen = entry.settings(precision, settings)
        refusal = entry.supported(self.card.backbone)
        if refusal:
            raise Unsupported(refusal)
        meter = Meter(entry.passes(chosen), progress, cancelled)
        meter.step()
        classifier = self.classifier
        probabilities = classifier.probabilities(classifier.logits([image]))[0]
        aim = choose_target(target, self.card.taxonomy, probabilities, self.card.temperature)
        square = self.card.preprocessing.resize(image)
        computed = gradients.METHODS[method](self.network, self.card, square, aim)
        height, width = image.shape[:2]
        # The preprocessing stretches the whole picture to a square; this is its inverse.
        result = cv2.resize(computed, (width, height), interpolation=cv2.INTER_LINEAR)
        meter.finish()
        return Explanation(
            map=np.ascontiguousarray(result, np.float32),
            method=method,
            target=aim.code,
            precision=precision,
            model=self.card.name,
            seconds=time.perf_counter() - started,
            probability=aim.probability(probabilities),
            predicted=self.card.taxonomy.codes[int(probabilities.argmax())],
            settings=chosen,
        )


@lru_cache(maxsize=2)
def _opened(folder: Path, _changed: int) -> Explainer:
    return Explainer(folder)


def explain(
    image: Picture,
    *,
    model: str | Path = DEFAULT_MODEL,
    method: str = "gradcam",
    precision: str = "Medium",
    target: str | None = None,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    root: Path = WEIGHTS_DIR,
) -> Explanation:
    """Explain what a model says of a picture. Needs torch.

    image: (H, W, 3) uint8 RGB, any size and aspect.
    model: a checkpoint under `root`, or the path of one's folder.
    method: a key of `interpretability.methods.METHODS`.
    precision: Low, Medium or High: the method's effort.
    target: a class code, "malignant", or None for the predicted class.
    settings: parameters of the method that differ from the precision's.
    progress: called with the share that is done, 0 to 1.
    cancelled: asked between batches; where it says True, `Cancelled` is raised.

    The two models used last stay open. Raises ValueError for an unknown method, precision, class
    or setting (Unsupported, a ValueError, where the method does not work with the backbone), and
    CheckpointError for a checkpoint that is missing or has no weights.
    """
    folder = locate(model, root)
    explainer = _opened(folder.resolve(), (folder / "card.json").stat().st_mtime_ns)
    return explainer.explain(
        image,
        method=method,
        precision=precision,
        target=target,
        settings=settings,
        progress=progress,
        cancelled=cancelled,
    )
