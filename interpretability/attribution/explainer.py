"""From a picture to an attribution map: the one way in, for commands, dashboard and notebooks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from interpretability.arrays import AttributionMap
from interpretability.attribution.progress import Meter, ProgressCallback
from interpretability.attribution.target import choose_target
from interpretability.attribution.task import Task, at_most
from interpretability.method import ENSEMBLE, Number
from interpretability.methods import get_method
from models.checkpoint.card import (
    DEFAULT_MODEL,
    WEIGHTS_DIR,
    Card,
    load_card,
    locate,
    member_folders,
)
from models.inference.arguments import prior_weights
from models.inference.views import set_upright, view_count
from quality.arrays import RGBImage

if TYPE_CHECKING:
    from interpretability.attribution.networks import Networks
    from interpretability.attribution.served import ServedBatches
    from models.inference.classifier import Classifier


class Unsupported(ValueError):  # noqa: N818 (the name tells the state)
    """A method that does not work with a backbone; the message says why."""


@dataclass(frozen=True)
class Explanation:
    """An attribution map and what it is of.

    map: float32 (H, W) of the picture, or smaller where `max_pixels` says so; positive speaks for
        the target, negative against it, zero says nothing. Methods that are not `signed` have no
        negative values. The unit is that of the method; compare maps by rank or after dividing by
        their largest magnitude.
    method, model: names.
    target: a class code or "malignant".
    precision: Low, Medium or High.
    settings: the method's parameters.
    seconds: what it took.
    probability: calibrated probability of the target, in [0, 1], at the prior that was given.
    predicted: code of the most probable class, at that prior.
    """

    map: AttributionMap
    method: str
    target: str
    precision: str
    model: str
    seconds: float
    probability: float
    predicted: str
    settings: Mapping[str, Number]


class Explainer:
    """A checkpoint, opened for explanations; the same input gives the same map.

    Networks are loaded and changed when a method first needs them, and kept.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        root: Path = WEIGHTS_DIR,
        bfloat16: bool | None = None,
    ) -> None:
        """Find the checkpoint.

        bfloat16: compute gradients in it for methods whose map stays the same; None: where the
            backbone supports it and the processor is faster in it.
        Raises CheckpointError where there is none, or it has no weights.
        """
        self.folder = locate(model, root)
        self.card: Card = load_card(self.folder)
        self.backbones: list[str] = [
            load_card(one).backbone for one in member_folders(self.folder, self.card)
        ] or [self.card.backbone]
        self._bfloat16 = bfloat16
        self._averaging: dict[int, Classifier] = {}

    @cached_property
    def classifier(self) -> "Classifier":
        """The served model, which says what is predicted; its export is made where missing."""
        return self._compiled(1)

    def _compiled(self, views: int) -> "Classifier":
        from models.export.export import export
        from models.inference.classifier import Classifier

        export(self.folder)
        return Classifier(self.folder, tta=views)

    def _predicting(self, views: int) -> "Classifier":
        """The served model that averages over so many views; few servers ask for that."""
        if views == 1:
            return self.classifier
        if views not in self._averaging:
            self._averaging[views] = self._compiled(views)
        return self._averaging[views]

    @cached_property
    def served(self) -> "ServedBatches":
        """The served model for many changes of one picture."""
        from interpretability.attribution.served import ServedBatches

        precision = self.classifier.precision
        return ServedBatches(self.folder, self.card.preprocessing, precision)

    @cached_property
    def networks(self) -> "Networks":
        """The network and its copies. Needs torch."""
        import torch

        from interpretability.attribution.networks import Networks
        from models.checkpoint.weights import load_network
        from models.inference.cores import usable_cores

        # torch counts the machine's cores, whatever a container's limit.
        torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))
        network, card = load_network(self.folder)
        return Networks(network, card, self.folder)

    @cached_property
    def bfloat16(self) -> bool:
        """Whether gradients are computed in bfloat16 where the map stays the same."""
        from models.inference.classifier import choose_precision

        if self._bfloat16 is not None:
            return self._bfloat16
        return all(choose_precision("auto", name) == "bf16" for name in self.backbones)

    def refusal(self, method: str) -> str | None:
        """The sentence that says why a method does not work with this checkpoint, or None."""
        entry = get_method(method)
        asked = [*self.backbones, *([ENSEMBLE] if self.card.members else [])]
        return next(filter(None, map(entry.supported, asked)), None)

    def expected_seconds(
        self, method: str, precision: str, settings: Mapping[str, object] | None = None
    ) -> float:
        """About how long a map of this checkpoint takes on two cores, seconds."""
        size = self.card.preprocessing.input_size
        entry = get_method(method)
        return sum(entry.expected_seconds(precision, one, size, settings) for one in self.backbones)

    def probabilities(
        self,
        image: RGBImage,
        prior: Mapping[str, float] | None = None,
        tta: bool | int = False,
    ) -> NDArray[np.float64]:
        """Calibrated probabilities (C,) of a picture, as served with these settings.

        prior, tta: as `models.inference.classifier.Classifier` takes them.
        """
        classifier = self._predicting(view_count(tta))
        row = np.asarray(classifier.probabilities(classifier.logits([image]))[0], np.float64)
        if prior is None:
            return row
        # Here and not in the classifier: servers with other priors share this one.
        weighted = row * prior_weights(prior, self.card)
        return np.asarray(weighted / weighted.sum(), np.float64)

    def explain(
        self,
        image: RGBImage,
        *,
        method: str = "gradcam",
        precision: str = "Medium",
        target: str | None = None,
        settings: Mapping[str, object] | None = None,
        prior: Mapping[str, float] | None = None,
        tta: bool | int = False,
        max_pixels: int | None = None,
        progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Explanation:
        """The attribution map of a picture; see `explain`."""
        started = time.perf_counter()
        entry = get_method(method)
        chosen = entry.settings(precision, settings)
        refusal = self.refusal(method)
        if refusal:
            raise Unsupported(refusal)
        meter = Meter(entry.passes(chosen), progress, cancelled)
        meter.step()
        image, upright = set_upright(image)  # as it is classified; the map is turned back
        probabilities = self.probabilities(image, prior, tta)
        aim = choose_target(target, self.card.taxonomy, probabilities, self.card.temperature)
        task = Task(
            picture=image if max_pixels is None else at_most(image, max_pixels),
            square=self.card.preprocessing.resize(image),
            preprocessing=self.card.preprocessing,
            target=aim,
            settings=chosen,
            scores=lambda squares: aim.score(self.served.logits(squares)),
            networks=lambda: self.networks,
            meter=meter,
            bfloat16=entry.bfloat16 and self.bfloat16,
        )
        result = compute(method, task)
        meter.finish()
        return Explanation(
            map=np.ascontiguousarray(upright.undo(result)),
            method=method,
            target=aim.code,
            precision=precision,
            model=self.card.name,
            seconds=time.perf_counter() - started,
            probability=aim.probability(probabilities),
            predicted=self.card.taxonomy.codes[int(probabilities.argmax())],
            settings=chosen,
        )


def compute(method: str, task: Task) -> AttributionMap:
    """The map of a task, float32 (H, W) of its picture. Needs torch."""
    import torch

    from interpretability.attribution import attention, gradients, perturbations

    table = {**gradients.METHODS, **perturbations.METHODS, **attention.METHODS}
    with gradients.seeded(), torch.enable_grad():
        found = table[method](task)
    return to_picture(found, *task.picture.shape[:2])


def to_picture(found: AttributionMap, height: int, width: int) -> AttributionMap:
    """A map on any grid over the whole picture, on the picture's own, (height, width) float32.

    The preprocessing stretches the whole picture to a square; this stretches back.
    """
    shrinks = found.shape[0] > height and found.shape[1] > width
    if found.shape != (height, width):
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        found = np.asarray(cv2.resize(found, (width, height), interpolation=how), np.float32)
    return np.ascontiguousarray(found, np.float32)


@lru_cache(maxsize=2)
def _opened(folder: Path, _changed: int) -> Explainer:
    return Explainer(folder)


def close_models() -> None:
    """Close the models that `explain` keeps open; the next explanation opens its own again."""
    _opened.cache_clear()


def explain(
    image: RGBImage,
    *,
    model: str | Path = DEFAULT_MODEL,
    method: str = "gradcam",
    precision: str = "Medium",
    target: str | None = None,
    settings: Mapping[str, object] | None = None,
    prior: Mapping[str, float] | None = None,
    tta: bool | int = False,
    max_pixels: int | None = None,
    progress: ProgressCallback | None = None,
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
    prior, tta: class frequencies and views of the prediction that is explained, as
        `models.inference.classifier.Classifier` takes them; they say which class is the predicted
        one and how probable the target is, and do not change the map of a class.
    max_pixels: a larger picture has a map of at most so many pixels; the network sees all of it.
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
        prior=prior,
        tta=tta,
        max_pixels=max_pixels,
        progress=progress,
        cancelled=cancelled,
    )
