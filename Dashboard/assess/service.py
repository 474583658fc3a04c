"""What the dashboard does with one image: decode, quality gate, classifier, advice.

Pages, the API and the batch command all call `Service`. It keeps nothing of what it is given.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import quality
from Dashboard.assess.advice import Evidence, advise, point_in_use
from Dashboard.assess.assessment import Assessment, ModelInfo, at_card_prior
from Dashboard.assess.thumbnails import shrunk_jpeg
from Dashboard.assess.worth import clearance, malignant_share, target_note
from Dashboard.config import Config
from Dashboard.web import deadline
from models.checkpoint.card import WEIGHTS_DIR, Card, available, load_card
from models.checkpoint.evaluation import load_evaluation
from models.errors import CheckpointError
from models.inference.classifier import Classifier, ModelNotReady, Prediction
from models.inference.cores import usable_cores

# A compiled ResNeXt50 takes about 100 MB; the default model is never among those let go.
MAX_LOADED_MODELS = 3

logger = logging.getLogger(__name__)


class UnknownModel(ValueError):  # noqa: N818 (named like ModelNotReady)
    """A request names a checkpoint that is not there; the message lists those that are."""


class Predictor(Protocol):
    """What `Service` needs of a classifier; `models.inference.classifier.Classifier` is one."""

    card: Card

    def predict(
        self, images: Sequence[NDArray[np.uint8]], *, maps: bool = False
    ) -> list[Prediction]:
        """One prediction per RGB image of any size; `maps`: with the class activation maps."""
        ...


class Service:
    """Assesses images; one per process, used by many threads at once.

    root: folder of the checkpoints.
    load: makes the classifier of a name; the default compiles the exported model.
    """

    def __init__(
        self,
        config: Config,
        *,
        root: Path = WEIGHTS_DIR,
        load: Callable[[str], Predictor] | None = None,
    ) -> None:
        self.config = config
        self.root = root
        self._threads: int | None = None
        self._streams: int | None = None
        self._load = load or self._compile
        self._loaded: OrderedDict[str, Predictor] = OrderedDict()
        self._used: dict[str, float] = {}
        self._cpu_slots = threading.Semaphore(usable_cores())
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._warming: threading.Thread | None = None
        self._failure: str | None = None

    def assess(
        self, data: bytes, *, model: str | None = None, gate: bool = True, keep: bool = False
    ) -> Assessment:
        """Assess an image file; `keep`: with class activation maps, where there are, and thumbnail.

        Raises:
            quality.ImageError: not an image that is accepted.
            UnknownModel: there is no such checkpoint.
            ModelNotReady: the checkpoint has not been exported.
        """
        name = self.known(model)
        with self.cpu_slot():
            start = time.perf_counter()
            decoded = self.decode(data)
            made = self._assess(decoded.image, name, gate, start, keep, decoded.notes)
            return replace(made, thumbnail=shrunk_jpeg(decoded.image)) if keep else made

    def assess_image(
        self,
        image: NDArray[np.uint8],
        *,
        model: str | None = None,
        gate: bool = True,
        maps: bool = False,
        notes: Sequence[str] = (),
    ) -> Assessment:
        """Assess a decoded image: (H, W, 3), RGB, 8 bits; errors as `assess`.

        maps: give the prediction's class activation maps, where the model has them.
        notes: what decoding said about the file; they come before those about its quality.

        A server's request decodes and assesses within one `cpu_slot`.
        """
        start = time.perf_counter()
        return self._assess(image, self.known(model), gate, start, maps, notes)

    def decode(self, data: bytes) -> quality.Decoded:
        """Decode an image file within a `cpu_slot`; `quality.ImageError` where that cannot be.

        Where it misses the deadline, others get its place before the process ends.
        """
        with deadline.held(self._cpu_slots.release):
            return quality.decode_with_notes(data, self.config.limits)

    @contextmanager
    def cpu_slot(self) -> Iterator[None]:
        """A place at the cores, for decoding and assessing one image; others wait for theirs.

        More images at once than cores would take longer in all, and a large one needs hundreds
        of MB while it is decoded and measured. Not to be nested.
        """
        with self._cpu_slots:
            yield

    def models(self) -> list[ModelInfo]:
        """The checkpoints that are there, the default one first; unreadable ones are left out."""
        infos = []
        for name in available(self.root):
            try:
                card = load_card(self.root / name)
                evaluation = load_evaluation(self.root / name)
            except CheckpointError as error:
                logger.warning("checkpoint %s is not offered: %s", name, error)
                continue
            infos.append(
                ModelInfo(
                    name=name,
                    version=card.version,
                    backbone=card.backbone,
                    default=name == self.config.model,
                    ready=name in self._loaded,
                    description=card.description,
                    licence=card.licence,
                    operating_point=self._point(card),
                    operating_points=card.operating_points,
                    target_note=target_note(self._point(card), self.config.sensitivity),
                    operating_curve=evaluation.operating_curve,
                    metrics=evaluation.metrics,
                    limits=evaluation.limits,
                )
            )
        return sorted(infos, key=lambda info: (not info.default, info.name))

    def ready(self) -> bool:
        """Whether the default model is compiled in this process."""
        return self.config.model in self._loaded

    def warm_up(
        self,
        threads: int | None = None,
        streams: int | None = None,
        at_once: int | None = None,
    ) -> None:
        """Compile the default model.

        To be called in a server's worker after the fork: a compiled model's threads do not
        survive one.

        threads: processor threads of each model; None: one for each core.
        streams: images that a model computes at once, dividing the threads; None: its own choice.
        at_once: images that take their `cpu_slot` at the same time; None: as it was, at first one
            for each core.

        Raises:
            ModelNotReady, CheckpointError: as `assess`.
        """
        self._threads, self._streams = threads, streams
        if at_once is not None:
            self._cpu_slots = threading.Semaphore(at_once)
        self.predictor(self.known(None))

    def start_warm_up(self) -> str | None:
        """Load the default model in the background, where nothing has yet.

        Returns:
            Why the last attempt failed, None where it did not or still goes on.
        """
        with self._lock:
            if not self.ready() and (self._warming is None or not self._warming.is_alive()):
                self._warming = threading.Thread(target=self._try_warm_up, daemon=True)
                self._warming.start()
            return self._failure

    def _try_warm_up(self) -> None:
        try:
            self.warm_up(self._threads, self._streams)
            self._failure = None
        except (ModelNotReady, ValueError) as error:  # CheckpointError and UnknownModel among them
            self._failure = str(error)

    def _assess(
        self,
        image: NDArray[np.uint8],
        name: str,
        gate: bool,
        start: float,
        maps: bool = False,
        notes: Sequence[str] = (),
    ) -> Assessment:
        report = quality.check(image, mode=self.config.gate)
        report = replace(report, notes=(*notes, *report.notes))
        rejected = report.verdict == "reject"
        if rejected and gate:
            return Assessment(
                quality=report,
                prediction=None,
                decision=advise(Evidence(rejected=True)),
                gated=True,
                model=name,
                version="",
                prior=self.config.prior,
                seconds=time.perf_counter() - start,
            )
        predictor = self.predictor(name)
        (prediction,) = predictor.predict([image], maps=maps)
        point = self._point(predictor.card)
        threshold = None if point is None else float(point["threshold"])
        p_malignant, leads = at_card_prior(prediction, predictor.card, self.config.prior)
        # As it is shown; or by the card, for which the operating point was measured.
        leads = prediction.malignant or (leads and point is not None)
        decision = advise(
            Evidence(
                rejected=rejected,
                gate=gate,
                p_malignant=p_malignant,
                malignant=leads,
                threshold=threshold,
                in_distribution=prediction.in_distribution,
                dermatoscopic=prediction.dermatoscopic,
                opinions=prediction.opinions,
            )
        )
        return Assessment(
            quality=report,
            prediction=prediction,
            decision=decision,
            gated=gate,
            model=name,
            version=predictor.card.version,
            prior=self.config.prior,
            seconds=time.perf_counter() - start,
            threshold=threshold,
            p_malignant_at_card=p_malignant,
            leads=leads,
            malignant_share=malignant_share(self.config.prior, predictor.card),
            clearance=clearance(point) if decision.verdict == "no_appointment" else None,
        )

    def _point(self, card: Card) -> Mapping[str, Any] | None:
        return point_in_use(self.config.advice, card, self.config.sensitivity)

    def known(self, model: str | None) -> str:
        """The checkpoint that is meant; None: the default one. Errors as `assess`."""
        name = model or self.config.model
        if name in self._loaded:
            return name
        names = available(self.root)
        if name not in names:
            shown = repr(name if len(name) <= 60 else name[:57] + "...")
            sentence = (
                f"there is no checkpoint {shown}; the checkpoints are: {', '.join(names) or 'none'}"
            )
            if model is None:
                raise ModelNotReady(f"MODEL: {sentence}")
            raise UnknownModel(f"model: {sentence}")
        return name

    @property
    def loaded(self) -> tuple[str, ...]:
        """The models that are compiled in this process, the one used last at the end."""
        return tuple(self._loaded)

    def release_unused(self, seconds: float) -> None:
        """Let go of the models that nobody asked for in so many seconds, but for the default one.

        One takes 40 to 140 MB, and comes back within a second or two when it is asked for.
        """
        before = time.monotonic() - seconds
        with self._lock:
            for name in list(self._loaded):
                if name != self.config.model and self._used.get(name, 0.0) < before:
                    del self._loaded[name]

    def predictor(self, name: str) -> Predictor:
        """The classifier of a checkpoint that is there (`known`), loaded where it is not yet.

        Raises:
            ModelNotReady: the checkpoint has not been exported.
        """
        with self._lock:
            self._used[name] = time.monotonic()
            if name in self._loaded:
                self._loaded.move_to_end(name)
                return self._loaded[name]
        with self._loading:  # one at a time, while other threads go on with what is loaded
            with self._lock:
                if name in self._loaded:
                    return self._loaded[name]
            predictor = self._load(name)
            with self._lock:
                self._loaded[name] = predictor
                for old in list(self._loaded):
                    if len(self._loaded) > MAX_LOADED_MODELS and old not in (
                        name,
                        self.config.model,
                    ):
                        del self._loaded[old]
            return predictor

    def _compile(self, name: str) -> Predictor:
        return Classifier(
            name,
            root=self.root,
            cache=self.config.cache_dir,
            threads=self._threads,
            streams=self._streams,
            prior=self.config.prior,
            tta=self.config.tta,
        )


__all__ = [
    "Assessment",
    "ModelInfo",
    "ModelNotReady",
    "Predictor",
    "Service",
    "UnknownModel",
]
