"""The classifier at inference: decoded pictures in, calibrated probabilities out. Never torch."""

import os
import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models.checkpoint.card import (
    DEFAULT_MODEL,
    WEIGHTS_DIR,
    Card,
    load_card,
    locate,
    member_folders,
)
from models.export.export import GRAPH_FILE, GRAPH_WEIGHTS_FILE, exported
from models.inference.arguments import check_image, positive, prior_weights
from models.inference.cores import usable_cores
from models.inference.prediction import Opinion, Prediction
from models.inference.vectors import unit, vector_output
from models.inference.views import VIEW_NAMES, Symmetry, set_upright, view_count, views_of
from models.registry.backbones import get_backbone
from models.runtime import forget_pages, multiplies_bfloat16, ov

__all__ = [
    "Classifier",
    "ModelNotReady",
    "Opinion",
    "Precision",
    "Prediction",
    "choose_precision",
]
Precision = Literal["auto", "f32", "bf16", "int8"]
SERVED = ("logits", "cam", "ood", "members")
# Of several views of a picture, those of the first.
OF_FIRST_VIEW = ("cam", "ood", "vector")


class ModelNotReady(RuntimeError):  # noqa: N818 (the name tells the state)
    """A checkpoint that has no up-to-date export; the message says how to make it."""


@dataclass(frozen=True)
class _Outputs:
    """What the graph computes of one picture: logits (C,), maps (C, h, w), score, vector.

    views: logits (V, C) of each view; members: log-probabilities (M, C) of each member of an
    ensemble, the mean over the views.
    """

    logits: NDArray[np.float32]
    cam: NDArray[np.float32] | None
    ood: float | None
    upright: Symmetry
    views: NDArray[np.float32]
    members: NDArray[np.float64] | None
    vector: NDArray[np.float16] | None


class Classifier:
    """A checkpoint, compiled for this processor, shared by all threads of a process.

    Compile it in the process that uses it: OpenVINO's threads do not survive a fork.

    >>> classifier = Classifier("resnext50_32x4d")  # doctest: +SKIP
    >>> classifier.predict_one(quality.read("picture.jpg")).code  # doctest: +SKIP
    'mel'
    """

    def __init__(
        self,
        name: str | Path = DEFAULT_MODEL,
        *,
        root: Path = WEIGHTS_DIR,
        cache: Path | None = None,
        threads: int | None = None,
        streams: int | None = None,
        precision: Precision = "auto",
        prior: Mapping[str, float] | None = None,
        tta: bool | int = False,
    ) -> None:
        """Load and compile.

        name: a checkpoint under `root`, or the path of a checkpoint's folder.
        cache: where exports are; the default is `models.export.export.cache_dir()`.
        threads: processor threads for inference in all; default: the cores this process may use.
        streams: pictures that are worked on at the same time, sharing the threads; default: one
            for two threads, so that on two cores a picture that comes alone has both.
        precision: `auto` is bf16 where the processor is faster in it and the backbone supports
            it. Of an ensemble one member's is enough: those that do not support it stay in f32
            (mixed precision), for `bf16` as well. `int8` takes the quantised export, the rest of
            which is computed as for `auto`.
        prior: class frequencies by code to re-weight the probabilities to, see `probabilities`.
        tta: average the probabilities over `models.inference.views.VIEWS` mirrored and turned
            views of each picture, or over that many of them (2, 4 or 8); takes that many times as
            long. With it or without, a picture and its turned and mirrored copies get the same
            answer, see `models.inference.views`.

        Raises CheckpointError for an unknown checkpoint, ModelNotReady where it is not exported,
        ValueError for other arguments out of range.
        """
        folder = locate(name, root)
        self.card: Card = load_card(folder)
        self._prior = prior_weights(prior, self.card) if prior else None
        path = exported(folder, cache, int8=precision == "int8")
        command = f"`python -m models export {name}`"
        if precision == "int8":
            command = f"`python -m models export {name} --int8 --calibration CSV`"
        if path is None:
            raise ModelNotReady(
                f"the model {folder.name!r} is not prepared for serving: "
                f"run {command} where torch is installed"
            )
        threads = positive("threads", threads) or usable_cores()
        streams = min(positive("streams", streams) or max(1, threads // 2), threads)
        members = [load_card(one).backbone for one in member_folders(folder, self.card)]
        backbones = members or [self.card.backbone]
        self.precision: str = precision
        if precision != "int8":
            self.precision = choose_precision(precision, *backbones)
        self.views: int = view_count(tta)
        settings = {
            "INFERENCE_PRECISION_HINT": choose_precision("auto", *backbones)
            if precision == "int8"
            else self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            # Pinned, the streams of two processes would share the same first cores.
            "ENABLE_CPU_PINNING": False,
        }
        core = ov.Core()
        try:
            model = core.read_model(path / GRAPH_FILE)
            # Outputs that nobody asks for are left out of the compiled graph; maps, score and
            # vector add less than a hundredth to the time of the logits.
            given = {output.get_any_name(): output for output in model.outputs}
            self._names = [name for name in SERVED if name in given]
            asked = [given[name] for name in self._names]
            if "features" in given:
                self._names.append("vector")
                asked.append(vector_output(given["features"]))
            model = ov.Model(asked, model.get_parameters(), self.card.name)
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ModelNotReady(
                f"the export {path.name} in the cache folder cannot be used: remove it and run "
                f"{command} again"
            ) from error
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())
        self.streams: int = streams
        self._process = os.getpid()
        self._scales = [
            replace(
                self.card.preprocessing, input_size=int(taken.get_partial_shape()[1].get_length())
            )
            for taken in compiled.inputs
        ]
        # The first inference finishes what compiling leaves open; ready means that it is done.
        size = self.card.preprocessing.input_size
        self._infer(np.zeros((size, size, 3), np.uint8))
        forget_pages(path / GRAPH_WEIGHTS_FILE)

    def predict(
        self, images: Sequence[NDArray[np.uint8]], *, maps: bool = False
    ) -> list[Prediction]:
        """Classify decoded pictures, (H, W, 3) uint8 RGB of any size. Safe from many threads.

        maps: give the class activation maps, too.

        Raises ValueError for an array of another kind.
        """
        found = self._outputs(images)
        rows = self.probabilities(self._stacked(found))
        return [self._prediction(row, one, maps) for row, one in zip(rows, found, strict=True)]

    def predict_one(self, image: NDArray[np.uint8], *, maps: bool = False) -> Prediction:
        """Classify one decoded picture; see `predict`."""
        return self.predict([image], maps=maps)[0]

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The network's outputs before temperature, (N, C) float32, for N pictures.

        Over several views: the logits of the mean of their probabilities.
        """
        return self._stacked(self._outputs(images))

    def _stacked(self, found: Sequence[_Outputs]) -> NDArray[np.float32]:
        if not found:
            return np.zeros((0, len(self.card.taxonomy)), np.float32)
        return np.stack([one.logits for one in found])

    def _outputs(self, images: Sequence[NDArray[np.uint8]]) -> list[_Outputs]:
        for index, image in enumerate(images):
            check_image(image, index)
        if self._process != os.getpid():
            raise RuntimeError(
                f"the classifier was compiled in process {self._process} and is used in process "
                f"{os.getpid()}: make it after the fork"
            )
        if len(images) > 1 and self.streams > 1:
            with ThreadPoolExecutor(self.streams) as pool:
                return list(pool.map(self._infer, images))
        return [self._infer(image) for image in images]

    def probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities, (N, C) float64, of logits (N, C); re-weighted to the prior."""
        return self._calibrated(logits, self._prior)

    def _calibrated(
        self, logits: NDArray[np.floating[Any]], prior: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        scaled = logits.astype(np.float64) / self.card.temperature
        exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        if prior is not None:
            exponents = exponents * prior
        result: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
        return result

    def _infer(self, image: NDArray[np.uint8]) -> _Outputs:
        image, upright = set_upright(image)
        batches = {
            index: views_of(scale.resize(image), self.views)
            for index, scale in enumerate(self._scales)
        }
        request = self._requests.get()
        try:
            request.infer(batches, share_inputs=True)
            got = {
                name: np.array(
                    request.get_output_tensor(index).data[: 1 if name in OF_FIRST_VIEW else None]
                )
                for index, name in enumerate(self._names)
            }
        finally:
            self._requests.put(request)
        logits = got["logits"]
        return _Outputs(
            logits[0] if len(logits) == 1 else self._joined(logits),
            got["cam"][0] if "cam" in got else None,
            float(got["ood"][0]) if "ood" in got else None,
            upright,
            logits,
            _log_mean(got["members"]) if "members" in got else None,
            unit(got["vector"][0]) if "vector" in got else None,
        )

    def _joined(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (C,) whose probabilities are the mean of those of logits (V, C)."""
        temperature = self.card.temperature
        scaled = logits.astype(np.float64) / temperature
        logs = scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)
        return np.asarray(_log_mean(logs) * temperature, np.float32)

    def _opinions(self, found: _Outputs) -> tuple[Opinion, ...]:
        """At the card's own prior, so that they can be held against its operating points."""
        bad = list(self.card.taxonomy.malignant_indices)
        names: Sequence[str] = self.card.members
        kind: Literal["member", "view"] = "member"
        logits: NDArray[Any] | None = found.members
        if logits is None:
            names, kind, logits = VIEW_NAMES, "view", found.views
            if len(logits) == 1:
                return ()
        rows = self._calibrated(logits, None)
        return tuple(
            Opinion(name, kind, float(row[bad].sum()), int(row.argmax()) in bad)
            for name, row in zip(names, rows, strict=False)
        )

    def _prediction(self, row: NDArray[np.float64], found: _Outputs, maps: bool) -> Prediction:
        taxonomy = self.card.taxonomy
        best = int(row.argmax())
        code = taxonomy.codes[best]
        return Prediction(
            code=code,
            name=taxonomy.names[best],
            probability=float(row[best]),
            probabilities={c: float(p) for c, p in zip(taxonomy.codes, row, strict=True)},
            p_malignant=float(sum(row[i] for i in taxonomy.malignant_indices)),
            malignant=code in taxonomy.malignant,
            model=self.card.name,
            version=self.card.version,
            backbone=self.card.backbone,
            in_distribution=self._within("threshold", found.ood),
            dermatoscopic=self._within("far_threshold", found.ood),
            ood_score=found.ood,
            cam=found.cam if maps else None,
            upright=found.upright,
            opinions=self._opinions(found),
            vector=found.vector,
        )

    def _within(self, name: str, score: float | None) -> bool | None:
        """Whether an OOD score is within a threshold of the card; no picture is beyond none."""
        if score is None or self.card.ood is None:
            return None
        return bool(score <= float(self.card.ood.get(name, np.inf)))


def _log_mean(logs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The logarithm of the mean probability over the first axis, of logarithms (N, ...)."""
    total = np.logaddexp.reduce(logs.astype(np.float64), axis=0)
    return np.asarray(total - np.log(len(logs)))


def choose_precision(precision: Precision = "auto", *backbones: str) -> Literal["f32", "bf16"]:
    """`auto` as suits this processor and any of the backbones; ValueError for another name.

    >>> choose_precision("auto", "efficientnet_lite0")  # does not support bfloat16
    'f32'
    """
    if precision not in get_args(Precision):
        raise ValueError(
            f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}"
        )
    if precision in ("f32", "bf16"):
        return precision
    if not any(get_backbone(name).supports_bf16 for name in backbones or (DEFAULT_MODEL,)):
        return "f32"
    return "bf16" if multiplies_bfloat16() else "f32"
