"""What is frozen, how fast each layer learns, and on which device."""

import sys
import types

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.registry.backbones import BACKBONES, build_network
from retraining.training import devices
from retraining.training.config import TrainConfig
from retraining.training.networks import (
    freeze,
    layer_groups,
    make_optimizer,
    make_schedule,
    train_mode,
)


@pytest.fixture(scope="module")
def built() -> dict[str, torch.nn.Module]:
    with torch.device("meta"):
        return {name: build_network(name, 7) for name in BACKBONES}


@pytest.mark.parametrize("name", BACKBONES)
def test_groups_go_from_the_stem_to_the_last_layer(
    name: str, built: dict[str, torch.nn.Module]
) -> None:
    groups = layer_groups(built[name], name)
    names = [parameter for group in groups for parameter in group]
    assert sorted(names) == sorted(n for n, _ in built[name].named_parameters())
    head = BACKBONES[name].head
    assert groups[-1] == [f"{head}.weight", f"{head}.bias"]
    assert len(groups) >= 6
    # A stem is a convolution and its normalisation, or a transformer's embeddings.
    assert len(groups[0]) == (4 if BACKBONES[name].patch else 3)


def network() -> torch.nn.Module:
    return build_network("resnet18", 7)


def trained(net: torch.nn.Module) -> set[str]:
    return {name.partition(".")[0] for name, p in net.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"}),
        ({"freeze": 2}, {"layer3", "layer4", "fc"}),
        ({"freeze": "backbone"}, {"fc"}),
        ({"freeze": "backbone", "unfreeze": ("layer4",)}, {"layer4", "fc"}),
    ],
)
def test_frozen_layers_learn_nothing_and_are_in_evaluation_mode(
    settings: dict[str, object], expected: set[str]
) -> None:
    net, config = network(), TrainConfig(backbone="resnet18", **settings)
    freeze(net, config)
    assert trained(net) == expected
    train_mode(net, config)
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.training == (name.partition(".")[0] in expected)


def test_batch_normalisation_can_stay_as_it_is() -> None:
    net, config = network(), TrainConfig(backbone="resnet18", freeze_batchnorm=True)
    freeze(net, config)
    train_mode(net, config)
    assert net.training
    assert not any(m.training for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"freeze": 9}, "freeze must be at most 4 for resnet18, got 9"),
        ({"unfreeze": ("layer9",)}, "unfreeze names 'layer9'.* groups begin with conv1, layer1"),
    ],
)
def test_layers_that_are_not_there_are_told(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        freeze(network(), TrainConfig(backbone="resnet18", **settings))


def test_rates_fall_from_the_last_layer_to_the_stem() -> None:
    net = network()
    config = TrainConfig(backbone="resnet18", lr=1.0, layer_decay=0.5, head_lr=10.0)
    optimizer = make_optimizer(net, config, "resnet18")
    rate = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert rate[id(net.fc.weight)] == 10
    assert rate[id(net.layer4[0].conv1.weight)] == 0.5
    assert rate[id(net.conv1.weight)] == rate[id(net.bn1.weight)] == 0.5**5
    assert decay[id(net.conv1.weight)] == config.weight_decay
    assert decay[id(net.bn1.weight)] == decay[id(net.fc.bias)] == 0
    assert len(rate) == len(list(net.parameters()))


def test_one_rate_for_all_makes_two_groups() -> None:
    optimizer = make_optimizer(network(), TrainConfig(backbone="resnet18"), "resnet18")
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.05, 0.0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_optimizers(name: str, kind: type) -> None:
    config = TrainConfig(backbone="resnet18", optimizer=name)
    assert type(make_optimizer(network(), config, "resnet18")) is kind


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
def test_schedules(schedule: str) -> None:
    layer = torch.nn.Linear(2, 2)
    config = TrainConfig(schedule=schedule, warmup=0.2, lr=1.0)
    optimizer = make_optimizer(layer, config)
    moved = make_schedule(optimizer, config, 50)
    rates = []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        moved.step() if len(rates) < 50 else None
    peak = rates.index(max(rates))
    assert 9 <= peak <= 10
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[:peak] == sorted(rates[:peak])
    last = {"constant": 1.0, "cosine": 0.0, "onecycle": 0.0}[schedule]
    assert rates[-1] == pytest.approx(last, abs=0.01)
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_the_first_device_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    assert devices.choose_device("auto") == "cpu"
    with pytest.raises(ValueError, match="device cuda is not on this machine; there is cpu"):
        devices.choose_device("cuda")
    package = types.ModuleType("torch_directml")
    package.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    package.is_available = lambda: True  # type: ignore[attr-defined]
    package.device = lambda number: torch.device("cpu", number)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_directml", package)
    assert devices.choose_device("auto") == "directml"
    assert devices.torch_device("directml") == torch.device("cpu", 0)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    assert devices.choose_device("auto") == "xpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.choose_device("auto") == "cuda"


def test_devices_and_machines_reach_the_trainer() -> None:
    config = TrainConfig(device="cpu", devices=4, num_nodes=2, precision="bf16")
    arguments = devices.trainer_arguments(config)
    assert (arguments["devices"], arguments["num_nodes"]) == (4, 2)
    assert (arguments["strategy"], arguments["precision"]) == ("ddp", "bf16-mixed")
    one = devices.trainer_arguments(TrainConfig(device="cpu", precision="f32"))
    assert (one["strategy"], one["precision"]) == ("auto", "32-true")


def test_embeddings_of_a_transformer_are_not_decayed(built: dict[str, torch.nn.Module]) -> None:
    net = built["vit_small_patch14_dinov2"]
    config = TrainConfig(backbone="vit_small_patch14_dinov2", layer_decay=0.5, lr=1.0)
    found = {
        id(p): (group["weight_decay"], group["lr"])
        for group in make_optimizer(net, config, "vit_small_patch14_dinov2").param_groups
        for p in group["params"]
    }
    named = {name: found[id(p)] for name, p in net.named_parameters()}
    assert named["pos_embed"] == named["cls_token"] == (0, 0.5**13)
    assert named["patch_embed.proj.weight"] == (0.05, 0.5**13)
    assert named["blocks.11.attn.qkv.weight"] == (0.05, 0.5)
    assert named["norm.weight"] == (0, 0.5)
