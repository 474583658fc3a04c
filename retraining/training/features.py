"""What a frozen backbone makes of every image, computed once and kept on disk.

With mirrors as the only change of the images each has four views. Their features are computed in
float32 by the engine that serves the dashboard, or by torch where there is a graphics processor.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoint.card import Card
from models.registry.backbones import get_backbone, get_layer
from models.registry.taxonomy import Taxonomy
from quality.output import replacing
from retraining.progress import NamedProgressCallback
from retraining.training.networks import normalised
from retraining.training.settings import TrainConfig

VIEWS = ((False, False), (True, False), (False, True), (True, True))  # mirrored along x, y
BATCH = 32

Extract = Callable[[NDArray[np.uint8]], Iterator[NDArray[np.float32]]]


class FeatureSource:
    """Features of a backbone's images, each made when it is first wanted.

    network: the whole network in evaluation mode; what comes before its last layer is used.
    backbone_sha256: of its weights without the last layer.
    """

    def __init__(
        self,
        config: TrainConfig,
        taxonomy: Taxonomy,
        network: nn.Module,
        backbone_sha256: str,
        cache: Path,
        device: torch.device,
        progress: NamedProgressCallback | None = None,
    ) -> None:
        self.entry = get_backbone(config.backbone)
        self.taxonomy, self.network, self.device = taxonomy, network, device
        self.weights, self.cache, self.progress = backbone_sha256, cache, progress
        self.mirrored = config.augmentation.flip > 0
        self._open: dict[Path, NDArray[np.float32]] = {}
        self._engines: dict[int, Extract] = {}

    def prepare(self, split: str, size: int, pictures: NDArray[np.uint8]) -> None:
        """Make the features that a split needs, where they are not there yet."""
        if split == "train":
            self.views(size, pictures)
        else:
            self.plain(split, size, pictures)

    def views(self, size: int, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Features (N, D) of the views of the training images, in the order of `VIEWS`."""
        wanted = len(VIEWS) if self.mirrored else 1
        return [self._features("train", size, pictures, view) for view in range(wanted)]

    def plain(self, split: str, size: int, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (N, D) of the images as they are."""
        return self._features(split, size, pictures, 0)

    def path(self, size: int, pictures: NDArray[np.uint8], view: int) -> Path:
        """Where the features of pictures (N, size, size, 3) under a view belong.

        The name holds a hash of all that they depend on.
        """
        made_from = {
            "backbone": self.entry.name,
            "weights": self.weights,
            "preprocessing": self.entry.preprocessing(size).to_dict(),
            "pictures": self._pictures_key(pictures),
            "view": VIEWS[view],
            "engine": ["openvino", version("openvino")]
            if self.device.type == "cpu"
            else ["torch", str(torch.__version__), self.device.type],
        }
        digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
        return self.cache / f"features-{self.entry.name}-{size}-{view}-{digest[:16]}.npy"

    def _pictures_key(self, pictures: NDArray[np.uint8]) -> str:
        """The name of the pixel cache, which is a key of the images, or a hash of the pixels."""
        base: object = pictures
        while isinstance(base, np.ndarray):
            if isinstance(base, np.memmap) and base.filename is not None:
                return Path(str(base.filename)).name
            base = base.base
        return hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest()

    def _features(
        self, split: str, size: int, pictures: NDArray[np.uint8], view: int
    ) -> NDArray[np.float32]:
        path = self.path(size, pictures, view)
        if path not in self._open:
            if not path.is_file():
                self._make(path, split, size, pictures, view)
            # Read whole: they are small, and rows are wanted in random order.
            self._open[path] = np.load(path)
        return self._open[path]

    def _make(
        self, path: Path, split: str, size: int, pictures: NDArray[np.uint8], view: int
    ) -> None:
        if size not in self._engines:
            on_cpu = self.device.type == "cpu"
            self._engines[size] = self._openvino(size) if on_cpu else self._torch()
        x, y = (-1 if mirror else 1 for mirror in VIEWS[view])
        found, done = [], 0
        for features in self._engines[size](pictures[:, ::y, ::x]):
            found.append(features)
            done += len(features)
            if self.progress:
                self.progress(f"features of {split}, view {view + 1}", done, len(pictures))
        with replacing(path) as temporary:
            np.save(temporary, np.concatenate(found))

    def _openvino(self, size: int) -> Extract:
        from models.export.graph import Part, convert
        from models.runtime import ov

        card = Card(
            name=self.entry.name,
            version="",
            backbone=self.entry.name,
            taxonomy=self.taxonomy,
            preprocessing=self.entry.preprocessing(size),
            licence=self.entry.licence,
        )
        graph, _ = convert([Part(self.network.float().cpu(), card)])
        for result in graph.get_results():
            if "features" not in result.input_value(0).get_names():
                graph.remove_result(result)
        compiled = ov.Core().compile_model(
            graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
        )

        def extract(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
            queue = ov.AsyncInferQueue(compiled)
            ready: dict[int, NDArray[np.float32]] = {}
            queue.set_callback(
                lambda request, start: ready.__setitem__(
                    start, request.get_output_tensor(0).data.copy()
                )
            )
            given = 0
            for start in range(0, len(pictures), BATCH):
                queue.start_async({0: np.ascontiguousarray(pictures[start : start + BATCH])}, start)
                while given in ready:
                    yield ready.pop(given)
                    given += BATCH
            queue.wait_all()
            while given in ready:
                yield ready.pop(given)
                given += BATCH

        return extract

    def _torch(self) -> Extract:
        network = self.network.to(self.device).eval()
        taken: list[torch.Tensor] = []
        get_layer(network, self.entry.head).register_forward_pre_hook(
            lambda _layer, inputs: taken.append(inputs[0])
        )

        @torch.inference_mode()
        def extract(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
            for start in range(0, len(pictures), 4 * BATCH):
                batch = np.ascontiguousarray(pictures[start : start + 4 * BATCH])
                raw = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2).float() / 255
                network(normalised(raw, self.entry.mean, self.entry.std))
                yield taken.pop().float().cpu().numpy()

        return extract
