"""From a checkpoint to its serving form, OpenVINO IR in a cache folder. Making it needs torch.

The graph takes uint8 (N, S, S, 3) RGB at the card's input size, any N, and normalises inside. Its
weights are float32 with the batch normalisation folded in: rounded to float16 after the folding,
probabilities of a trained network moved by up to 0.007; folded at every start instead, they cost
60 MB more and twice the time.
Outputs, by name:

- `logits`: (N, C), before temperature.
- `features`: (N, D), the input of the last linear layer.
- `feature_map`: (N, D, h, w), not negative where the network's head sees a ReLU; its spatial mean
  is `features`.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import checkpoints
from models.backbones import get_backbone, get_layer
from models.checkpoints import WEIGHTS_DIR, WEIGHTS_FILE, Card, file_sha256, load_card, locate

if TYPE_CHECKING:
    import torch

EXPORT_VERSION = 2
GRAPH_FILE = "model.xml"
GRAPH_WEIGHTS_FILE = "model.bin"
OUTPUTS = ("logits", "features", "feature_map")
_STAGING_PREFIX = ".making-"
_STAGING_LIFETIME = 3600.0  # seconds; an export takes less than a minute


def cache_dir() -> Path:
    """The folder of exported models: `CACHE_DIR`, or a folder in the user's cache."""
    named = os.environ.get("CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "skin-lesion-dashboard"


def export_path(folder: Path, card: Card, cache: Path | None = None) -> Path:
    """Where the export of a checkpoint belongs, whether or not it is there.

    The name carries a hash of all that the graph depends on, so an export that was made from
    other weights or by another OpenVINO is never mistaken for this one.
    """
    made_from = {
        "export": EXPORT_VERSION,
        "openvino": version("openvino"),
        "weights": card.weights_sha256 or file_sha256(folder / WEIGHTS_FILE),
        "backbone": card.backbone,
        "classes": len(card.taxonomy),
        "preprocessing": card.preprocessing.to_dict(),
    }
    digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return (cache or cache_dir()) / f"{folder.name}-{digest[:16]}"


def exported(
    name: str | Path, cache: Path | None = None, *, root: Path = WEIGHTS_DIR
) -> Path | None:
    """The folder of an up-to-date export, None where there is none. Needs no torch.

    name: a checkpoint under `root`, or the path of a checkpoint's folder.
    Raises CheckpointError where there is no such checkpoint.
    """
    folder = locate(name, root)
    path = export_path(folder, load_card(folder), cache)
    return path if (path / GRAPH_FILE).is_file() else None


def export(name: str | Path, cache: Path | None = None, *, root: Path = WEIGHTS_DIR) -> Path:
    """Make the serving form of a checkpoint and return its folder; at once if it is there.

    The folder appears whole or not at all, and several processes may export at the same time.
    Needs torch only where there is something to make; raises
    CheckpointError for a checkpoint that is missing or damaged.
    """
    found = exported(name, cache, root=root)
    if found is not None:
        return found
    folder = locate(name, root)
    from models.runtime import ov

    network, card = checkpoints.load_network(folder)
    target = export_path(folder, card, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=target.parent))
    try:
        ov.save_model(convert(network, card), staging / GRAPH_FILE, compress_to_fp16=False)
        for file in staging.iterdir():
            file.chmod(0o644)
            _to_disk(file)
        staging.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first: its export is as good
            staging.rename(target)
        if not (target / GRAPH_FILE).is_file():
            raise OSError(f"the export could not be written to {target}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def convert(network: "torch.nn.Module", card: Card) -> Any:
    """The `openvino.Model` of a network in evaluation mode, with the card's normalisation inside.

    Needs torch. float32; the inputs and outputs are those of this module's docstring.
    """
    import torch
    from openvino._offline_transformations import apply_moc_transformations
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    entry = get_backbone(card.backbone)
    size = card.preprocessing.input_size

    class Tapped(torch.nn.Module):
        """The network, with the input of its head and the feature map beside the logits."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
            taps: dict[str, torch.Tensor] = {}
            hooks = (
                get_layer(network, entry.head).register_forward_hook(
                    lambda _layer, inputs, _output: taps.__setitem__("features", inputs[0])
                ),
                get_layer(network, entry.gradcam_layer).register_forward_hook(
                    lambda _layer, _inputs, output: taps.__setitem__("feature_map", output)
                ),
            )
            try:
                logits = self.network(batch)
            finally:
                for hook in hooks:
                    hook.remove()
            feature_map = taps["feature_map"]
            if entry.gradcam_relu:
                feature_map = feature_map.relu()
            return logits, taps["features"], feature_map

    with warnings.catch_warnings(), torch.no_grad():
        # OpenVINO reads TorchScript; torch announces its end with every call.
        warnings.filterwarnings("ignore", message=r".*torch\.jit", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        decoder = TorchScriptPythonDecoder(
            Tapped().eval(),
            example_input=torch.zeros(2, 3, size, size),
            # The check runs the network twice more; the tests compare the result with torch.
            trace_kwargs={"check_trace": False},
        )
    # Not ov.convert_model: it wraps the same calls in telemetry and argument parsing.
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    model.reshape([-1, 3, size, size])
    for output, name in zip(model.outputs, OUTPUTS, strict=True):
        output.tensor.set_names({name})
    model.input(0).tensor.set_names({"image"})
    model = _with_normalisation(model, card)
    apply_moc_transformations(model, True)  # folds what is constant, batch normalisation above all
    return model


def _with_normalisation(model: Any, card: Card) -> Any:
    from models.runtime import ov

    steps = ov.preprocess.PrePostProcessor(model)
    taken = steps.input("image")
    taken.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    taken.model().set_layout(ov.Layout("NCHW"))
    mean = [255 * value for value in card.preprocessing.mean]
    std = [255 * value for value in card.preprocessing.std]
    taken.preprocess().convert_element_type(ov.Type.f32).mean(mean).scale(std)
    return steps.build()


def _to_disk(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _sweep(cache: Path) -> None:
    """Remove what exports that were killed have left."""
    for left in cache.glob(f"{_STAGING_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STAGING_LIFETIME:
                shutil.rmtree(left, ignore_errors=True)
