"""An audit of every entry of the backbone registry, without a network."""

import dataclasses

import pytest

from models.registry.backbones import BACKBONES, Backbone, build_network, get_backbone, get_layer

ENTRIES = [pytest.param(entry, id=name) for name, entry in BACKBONES.items()]
NAMES = [
    *("resnet18", "resnet34", "resnet50", "resnext50_32x4d", "densenet161"),
    "mobilenet_v2",
    *("efficientnet_b0", "efficientnet_b2", "mixnet_xl"),
    *("efficientnet_lite0", "efficientnet_lite2"),
    "vit_small_patch14_dinov2",
]


def test_the_registry_holds_the_twelve_backbones_and_cannot_be_changed() -> None:
    assert list(BACKBONES) == NAMES
    with pytest.raises(TypeError):
        BACKBONES["mine"] = BACKBONES["resnet18"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        BACKBONES["resnet18"].head = "fc2"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("resnext50", "resnext50_32x4d"), ("ResNet18", "resnet18"), ("densnet161", "densenet161")],
)
def test_a_misspelt_name_gives_the_nearest_and_all(wrong: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"'{wrong}'.*Did you mean '{near}'") as caught:
        get_backbone(wrong)
    assert all(name in str(caught.value) for name in BACKBONES)


def test_a_name_like_no_other_gives_all() -> None:
    with pytest.raises(ValueError, match="unknown backbone ''") as caught:
        get_backbone("")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_is_complete(entry: Backbone) -> None:
    assert all(
        getattr(entry, field)
        for field in ("builder", "weights", "head", "gradcam_layer", "licence", "paper")
    )
    assert "arXiv:" in entry.paper
    assert entry.library in {"torchvision", "timm"}
    assert 0.5 <= entry.crop <= 1
    preprocessing = entry.preprocessing()
    assert (preprocessing.input_size, preprocessing.mean, preprocessing.std) == (
        entry.input_size,
        entry.mean,
        entry.std,
    )
    assert entry.preprocessing(112).input_size == 112


@pytest.mark.torch
@pytest.mark.parametrize("entry", ENTRIES)
def test_weights_exist_and_agree_with_the_library(entry: Backbone) -> None:
    """Mean, std, input size, crop and interpolation are those the weights were evaluated with."""
    if entry.library == "torchvision":
        from torchvision.models import get_weight

        weights = get_weight(entry.weights)
        assert weights.meta["num_params"] > 0
        used = weights.transforms()
        (size,), (resized,) = used.crop_size, used.resize_size
        ours = (entry.mean, entry.std, entry.input_size, entry.interpolation)
        theirs = (tuple(used.mean), tuple(used.std), size, used.interpolation.value)
        crop = size / resized
    else:
        from timm.models import get_pretrained_cfg, is_model

        assert is_model(entry.builder)
        packaged = entry.weights.startswith("package:")
        config = get_pretrained_cfg(entry.builder if packaged else entry.weights)
        assert config is not None
        assert config.architecture == entry.builder
        assert packaged or config.has_weights
        ours = (entry.mean, entry.std, entry.input_size, entry.interpolation)
        size = entry.options.get("img_size", config.input_size[1])  # theirs is any, 518 is slow
        theirs = (config.mean, config.std, size, config.interpolation)
        crop = config.crop_pct
        assert (config.license or "apache-2.0") == entry.licence.lower()
    assert ours == theirs
    # efficientnet_b2 was evaluated on the whole of a picture resized to 288.
    assert entry.crop == pytest.approx(crop, abs=0.01)


@pytest.mark.torch
def test_build_network_rejects_what_is_no_classifier() -> None:
    with pytest.raises(ValueError, match="num_classes must be at least 2, got 1"):
        build_network("resnet18", 1)
    with pytest.raises(ValueError, match="unknown backbone"):
        build_network("resnet19", 7)


@pytest.mark.torch
def test_drop_path_is_of_timms_networks() -> None:
    network = build_network("vit_small_patch14_dinov2", 2, drop_path=0.1)
    assert network.get_submodule("blocks.11.drop_path1").drop_prob == pytest.approx(0.1)
    with pytest.raises(ValueError, match=r"drop_path is of .*dinov2; resnet18 has none, got 0\.1"):
        build_network("resnet18", 2, drop_path=0.1)


@pytest.mark.torch
def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(AttributeError):
        get_layer(build_network("resnet18", 2), "layer5")
