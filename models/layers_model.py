"""ImageNet weights of Keras's ResNet50 from a TensorFlow.js layers model.

The format is a `model.json`, whose `weightsManifest` lists names, shapes and the files that hold
the values one after another (github.com/tensorflow/tfjs, `tfjs-converter`). The npm package
`idai-shapes-ceramics_resnet50` carries Keras's network in it, and `tensorflowjs_converter` writes
it from any Keras model. The layers are those of the network's first publication
(`resnet50_v1` of the registry), on values that Caffe's preprocessing gave: blue, green, red, in
0..255, with the mean colour taken away.
"""

import json
import math
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.backbones import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import torch

Layers = dict[str, NDArray[np.float32]]

BLOCKS = (3, 4, 6, 3)
CAFFE_MEAN = (123.68, 116.779, 103.939)  # of red, green, blue, in 0..255
# The first convolution's maps are made so much smaller, and their normalisation with them: on
# colours in 0..255 their variances are beyond what a checkpoint's float16 holds.
FIRST_SCALE = 1 / 64
# Both are added to a variance before its root is taken.
KERAS_EPSILON, TORCH_EPSILON = 1.001e-5, 1e-5


class LayersModelError(ValueError):
    """A file that is no layers model, or one of another network."""


def read_layers_model(path: Path) -> Layers:
    """The tensors of a layers model by name, float32.

    path: a folder with `model.json`, at any depth, or a tar archive of one, as `npm pack` gives.
    Raises LayersModelError where there is none, or where it is cut short or not float32;
    OSError where it cannot be read.
    """
    if path.is_dir():
        found = sorted(path.rglob("model.json"))
        if not found:
            raise LayersModelError(f"{path} has no model.json in it")
        return _tensors(found[0].read_bytes(), lambda name: (found[0].parent / name).read_bytes())
    try:
        with tarfile.open(path) as archive:
            names = [name for name in archive.getnames() if Path(name).name == "model.json"]
            if not names:
                raise LayersModelError(f"{path} has no model.json in it")

            def member(name: str) -> bytes:
                found = archive.extractfile(name)
                return found.read() if found else b""

            folder = Path(names[0]).parent
            return _tensors(member(names[0]), lambda name: member((folder / name).as_posix()))
    except (tarfile.TarError, EOFError) as error:
        raise LayersModelError(
            f"{path} is neither a folder with model.json nor a tar archive of one: {error}"
        ) from None


def _tensors(described: bytes, read: Callable[[str], bytes]) -> Layers:
    layers: Layers = {}
    try:
        for group in json.loads(described)["weightsManifest"]:
            values = b"".join(read(name) for name in group["paths"])
            start = 0
            for tensor in group["weights"]:
                name, shape = str(tensor["name"]), tuple(tensor["shape"])
                if tensor["dtype"] != "float32" or "quantization" in tensor:
                    raise LayersModelError(f"{name} is not kept as float32")
                stop = start + 4 * math.prod(shape)
                if stop > len(values):
                    raise LayersModelError(f"the files end before {name} does")
                layers[name] = np.frombuffer(values[start:stop], "<f4").reshape(shape)
                start = stop
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise LayersModelError(f"model.json does not describe a layers model: {error}") from None
    return layers


def resnet50_state(layers: Mapping[str, NDArray[np.float32]]) -> "dict[str, torch.Tensor]":
    """Keras's ResNet50 under the names of torchvision's, without its last layer.

    The first convolution takes RGB as ImageNet's usual mean and deviation normalise it; the
    convolutions' biases, which torchvision's have not, become a part of the means that the
    normalisations take away. Raises LayersModelError where a layer is missing.
    """
    import torch

    state: dict[str, Any] = {}

    def put(source: str, convolution: str, normalisation: str) -> None:
        names = (f"{source}_conv/kernel", f"{source}_conv/bias")
        try:
            kernel, bias = (layers[name].astype(np.float64) for name in names)
            norm = {
                name: layers[f"{source}_bn/{name}"]
                for name in ("gamma", "beta", "moving_mean", "moving_variance")
            }
        except KeyError as error:
            raise LayersModelError(f"the layers model has no {error.args[0]}") from None
        weight, scale = kernel.transpose(3, 2, 0, 1), 1.0
        if convolution == "conv1":
            weight, bias = _for_usual_colours(weight, bias)
            scale = FIRST_SCALE
        state[f"{convolution}.weight"] = scale * weight
        state[f"{normalisation}.weight"] = norm["gamma"]
        state[f"{normalisation}.bias"] = norm["beta"]
        state[f"{normalisation}.running_mean"] = scale * (norm["moving_mean"] - bias)
        variance = scale**2 * (norm["moving_variance"] + KERAS_EPSILON) - TORCH_EPSILON
        state[f"{normalisation}.running_var"] = variance

    put("conv1", "conv1", "bn1")
    for stage, count in enumerate(BLOCKS, start=1):
        for place in range(count):
            source, target = f"conv{stage + 1}_block{place + 1}", f"layer{stage}.{place}"
            if place == 0:
                put(f"{source}_0", f"{target}.downsample.0", f"{target}.downsample.1")
            for number in (1, 2, 3):
                put(f"{source}_{number}", f"{target}.conv{number}", f"{target}.bn{number}")
    return {name: torch.tensor(array, dtype=torch.float32) for name, array in state.items()}


def _for_usual_colours(
    weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A first convolution (O, 3, H, W) on Caffe's colours as one on ImageNet's normalised RGB.

    At the picture's edge, where zeros are added, the two differ by half a grey level.
    """
    weight = weight[:, ::-1]
    offset = 255 * np.asarray(IMAGENET_MEAN) - np.asarray(CAFFE_MEAN)
    bias = bias + np.einsum("oihw,i->o", weight, offset)
    return weight * (255 * np.asarray(IMAGENET_STD))[:, None, None], bias
