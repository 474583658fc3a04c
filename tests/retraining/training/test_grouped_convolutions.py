from copy import deepcopy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from models.registry.backbones import build_network
from models.registry.taxonomy import HAM10000
from retraining.training import lesion_module as engine
from retraining.training.config import TrainConfig
from retraining.training.epoch_plan import Sampling
from retraining.training.grouped_convolutions import ease_gradients
from retraining.training.lesion_module import LesionModule

LAYERS = {
    "four channels a group": lambda: nn.Conv2d(64, 64, 3, padding=1, groups=16, bias=False),
    "eight, stride 2": lambda: nn.Conv2d(64, 64, 3, stride=2, padding=1, groups=8),
    "stride 1": lambda: nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False),
    "stride 2": lambda: nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False),
    "same padding": lambda: Conv2dSame(8, 8, 5, stride=2, groups=8, bias=False),
    "bias": lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8),
}


def learnt(
    layer: nn.Module, pictures: torch.Tensor, *, bf16: bool, compiled: bool = False
) -> list[torch.Tensor]:
    """Output and gradients, of the input first; `pictures` as many channels as `layer` takes."""
    pictures = pictures[:, : layer.in_channels].contiguous(memory_format=torch.channels_last)
    pictures = pictures.clone().requires_grad_()
    call = torch.compile(layer, backend="aot_eager") if compiled else layer  # no C++ compiler
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = call(pictures)
    output.float().square().sum().backward()
    return [output, pictures.grad, *(p.grad for p in layer.parameters())]


@pytest.fixture
def pictures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 64, 13, 13, generator=generator)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_output_as_before_and_gradients_close_to_exact_ones(make, pictures: torch.Tensor) -> None:
    layer = make()
    exact = learnt(deepcopy(layer), pictures, bf16=False)
    before = learnt(deepcopy(layer), pictures, bf16=True)
    assert ease_gradients(layer) == 1
    now = learnt(layer, pictures, bf16=True)
    assert now[0].dtype == torch.bfloat16
    assert torch.equal(now[0], before[0])
    for found, right in zip(now[1:], exact[1:], strict=True):
        assert found.dtype == torch.float32
        assert (found - right).norm() < 0.01 * right.norm()


def test_in_float32_nothing_changes(pictures: torch.Tensor) -> None:
    layer = LAYERS["stride 1"]()
    before = learnt(deepcopy(layer), pictures, bf16=False)
    ease_gradients(layer)
    now = learnt(layer, pictures, bf16=False)
    assert all(torch.equal(a, b) for a, b in zip(now, before, strict=True))


def test_a_frozen_layer_gets_no_gradient(pictures: torch.Tensor) -> None:
    layer = LAYERS["bias"]().requires_grad_(False)
    ease_gradients(layer)
    _, gradient, *frozen = learnt(layer, pictures, bf16=True)
    assert gradient.abs().sum() > 0
    assert frozen == [None, None]


@pytest.mark.parametrize(
    ("backbone", "layers"), {"efficientnet_lite0": 16, "resnext50_32x4d": 7, "resnet50": 0}.items()
)
def test_which_layers_are_changed(backbone: str, layers: int) -> None:
    assert ease_gradients(build_network(backbone, 7)) == layers


def test_a_training_eases_the_gradients_of_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(backbone="efficientnet_lite0", weights="none")
    network = build_network("efficientnet_lite0", len(HAM10000))
    sampling = Sampling(config, np.arange(70) % len(HAM10000), HAM10000.codes)
    module = LesionModule(config, HAM10000, network, sampling)
    eased = []
    monkeypatch.setattr(engine, "ease_gradients", eased.append)
    module.on_fit_start()
    assert eased == [module.network]


@pytest.mark.parametrize("name", ["same padding", "four channels a group"])
def test_a_compiled_layer(name: str, pictures: torch.Tensor) -> None:
    layer = LAYERS[name]()
    ease_gradients(layer)
    apart = learnt(deepcopy(layer), pictures, bf16=True)
    joined = learnt(layer, pictures, bf16=True, compiled=True)
    for found, right in zip(joined, apart, strict=True):
        assert (found - right).float().norm() < 0.01 * right.float().norm()
