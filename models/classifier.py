"""The classifier at inference: decoded pictures in, calibrated probabilities out. Never torch."""

import os
import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models.backbones import get_backbone
from models.checkpoints import DEFAULT_MODEL, WEIGHTS_DIR, Card, load_card, locate
from models.export import GRAPH_FILE, GRAPH_WEIGHTS_FILE, exported
from models.runtime import forget_pages, ov

Precision = Literal["auto", "f32", "bf16"]


class ModelNotReady(RuntimeError):  # noqa: N818 (the name tells the state)
    """A checkpoint that has no up-to-date export; the message says how to make it."""


@dataclass(frozen=True)
class Prediction:
    """What the classifier says of one picture.

    code, name: of the most probable class.
    probability: of that class.
    probabilities: by code, in the order of the taxonomy; they sum to 1.
    p_malignant: the sum over the malignant classes.
    malignant: whether the most probable class is a malignant one.
    model, version: of the checkpoint.
    """

    code: str
    name: str
    probability: float
    probabilities: dict[str, float]
    p_malignant: float
    malignant: bool
    model: str
    version: str


class Classifier:
    """A checkpoint, compiled for this processor, shared by all threads of a process.

    Compile it in the process that uses it: OpenVINO's threads do not survive a fork.
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
    ) -> None:
        """Load and compile.

        name: a checkpoint under `root`, or the path of a checkpoint's folder.
        cache: where exports are; the default is `models.export.cache_dir()`.
        threads: processor threads for inference in all; default: the cores this process may use.
        streams: pictures that are worked on at the same time, sharing the threads; default: one
            for two threads, so that on two cores a picture that comes alone has both.
        precision: `auto` is bf16 where the processor computes in it and the backbone bears it.
        prior: class frequencies by code to re-weight the probabilities to, see `probabilities`.

        Raises CheckpointError for an unknown checkpoint, ModelNotReady where it is not exported,
        ValueError for other arguments out of range.
        """
        folder = locate(name, root)
        self.card: Card = load_card(folder)
        self._prior = _prior_weights(prior, self.card) if prior else None
        path = exported(folder, cache)
        command = f"`python -m models export {name}`"
        if path is None:
            raise ModelNotReady(
                f"the model {folder.name!r} is not prepared for serving: "
                f"run {command} where torch is installed"
            )
        threads = _positive("threads", threads) or usable_cores()
        streams = min(_positive("streams", streams) or max(1, threads // 2), threads)
        self.precision: str = choose_precision(precision, self.card.backbone)
        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            # Pinned, the streams of two processes would share the same first cores.
            "ENABLE_CPU_PINNING": False,
        }
        core = ov.Core()
        try:
            model = core.read_model(path / GRAPH_FILE)
            # Outputs that nobody asks for are left out of the compiled graph.
            model = ov.Model([model.output("logits")], model.get_parameters(), self.card.name)
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ModelNotReady(
                f"the export in {path} cannot be used: remove it and run {command} again"
            ) from error
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())
        self.streams: int = streams
        self._process = os.getpid()
        # The first inference finishes what compiling leaves open; ready means that it is done.
        size = self.card.preprocessing.input_size
        self._infer(np.zeros((size, size, 3), np.uint8))
        forget_pages(path / GRAPH_WEIGHTS_FILE)

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Classify decoded pictures, (H, W, 3) uint8 RGB of any size. Safe from many threads.

        Raises ValueError for an array of another kind.
        """
        return [self._prediction(row) for row in self.probabilities(self.logits(images))]

    def predict_one(self, image: NDArray[np.uint8]) -> Prediction:
        """Classify one decoded picture; see `predict`."""
        return self.predict([image])[0]

    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The network's outputs before temperature, (N, C) float32, for N pictures."""
        for index, image in enumerate(images):
            _check_image(image, index)
        if self._process != os.getpid():
            raise RuntimeError(
                f"the classifier was compiled in process {self._process} and is used in process "
                f"{os.getpid()}: make it after the fork"
            )
        if len(images) > 1 and self.streams > 1:
            with ThreadPoolExecutor(self.streams) as pool:
                rows = list(pool.map(self._infer, images))
        else:
            rows = [self._infer(image) for image in images]
        return np.stack(rows) if rows else np.zeros((0, len(self.card.taxonomy)), np.float32)

    def probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Calibrated probabilities, (N, C) float64, of logits (N, C); re-weighted to the prior."""
        scaled = logits.astype(np.float64) / self.card.temperature
        exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        if self._prior is not None:
            exponents = exponents * self._prior
        result: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
        return result

    def _infer(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = np.ascontiguousarray(self.card.preprocessing.resize(image))[np.newaxis]
        request = self._requests.get()
        try:
            request.infer({0: batch}, share_inputs=True)
            return np.array(request.get_output_tensor(0).data[0], np.float32)
        finally:
            self._requests.put(request)

    def _prediction(self, row: NDArray[np.float64]) -> Prediction:
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
        )


def usable_cores() -> int:
    """The processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_precision(
    precision: Precision = "auto", backbone: str = DEFAULT_MODEL
) -> Literal["f32", "bf16"]:
    """`auto` as suits this processor and the backbone; ValueError for another name."""
    if precision not in get_args(Precision):
        raise ValueError(
            f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}"
        )
    if precision != "auto":
        return precision
    if not get_backbone(backbone).bfloat16:
        return "f32"
    # The capability BF16 is also listed where it is emulated, slowly; OpenVINO's own choice is not.
    native = ov.Core().get_property("CPU", "INFERENCE_PRECISION_HINT") == ov.Type.bf16
    return "bf16" if native else "f32"


def _prior_weights(prior: Mapping[str, float], card: Card) -> NDArray[np.float64]:
    """Prior over the card's own prior, by class; ValueError for what is no class frequency."""
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


def _positive(name: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def _check_image(image: NDArray[np.uint8], index: int) -> None:
    kind = getattr(image, "dtype", type(image).__name__)
    if kind != np.uint8:
        raise ValueError(f"image {index} must be a uint8 array, got {kind}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image {index} must be (height, width, 3) RGB, got shape {image.shape}")
