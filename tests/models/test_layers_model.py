"""Keras's ResNet50 from a TensorFlow.js layers model."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional  # noqa: E402

from models.backbones import IMAGENET_MEAN, IMAGENET_STD, build_network, get_backbone  # noqa: E402
from models.layers_model import (  # noqa: E402
    LayersModelError,
    read_layers_model,
    resnet50_state,
)
from models.pretrained import (  # noqa: E402
    WeightsUnavailableError,
    import_weights,
    imported_file,
)
from retraining.pretrained import pretrained_network  # noqa: E402

V1 = get_backbone("resnet50_v1")
WIDTHS = ((64, 3), (128, 4), (256, 6), (512, 3))


def write_model(folder: Path, layers: dict[str, Any], **changed: object) -> Path:
    """A layers model in two files, as the converter cuts them."""
    values = b"".join(layers[name].astype("<f4").tobytes() for name in layers)
    half = len(values) // 2
    folder.mkdir(parents=True)
    (folder / "group1-shard1of2.bin").write_bytes(values[:half])
    (folder / "group1-shard2of2.bin").write_bytes(values[half:])
    weights = [
        {"name": name, "shape": list(array.shape), "dtype": "float32"} | changed
        for name, array in layers.items()
    ]
    group = {"paths": ["group1-shard1of2.bin", "group1-shard2of2.bin"], "weights": weights}
    described = {"format": "layers-model", "modelTopology": {}, "weightsManifest": [group]}
    (folder / "model.json").write_text(json.dumps(described))
    return folder


@pytest.fixture(scope="module")
def keras() -> dict[str, Any]:
    """Random layers of Keras's ResNet50."""
    rng = np.random.default_rng(0)
    layers: dict[str, Any] = {}

    def layer(name: str, size: int, inputs: int, outputs: int) -> None:
        spread = np.float32(np.sqrt(2 / (size * size * inputs)))
        kernel = rng.standard_normal((size, size, inputs, outputs), np.float32) * spread
        layers[f"{name}_bn/gamma"] = rng.uniform(0.5, 1.0, outputs).astype("f4")
        layers[f"{name}_bn/beta"] = rng.normal(0, 0.2, outputs).astype("f4")
        layers[f"{name}_bn/moving_mean"] = rng.normal(0, 0.2, outputs).astype("f4")
        layers[f"{name}_bn/moving_variance"] = rng.uniform(0.5, 1.5, outputs).astype("f4")
        layers[f"{name}_conv/kernel"] = kernel
        layers[f"{name}_conv/bias"] = rng.normal(0, 0.2, outputs).astype("f4")
        if inputs == 3:
            # As in Keras's network: colours of 0..255 give large maps.
            layers[f"{name}_bn/moving_variance"] *= np.float32(80_000)

    layer("conv1", 7, 3, 64)
    inputs = 64
    for stage, (width, count) in enumerate(WIDTHS, start=2):
        for block in range(1, count + 1):
            name = f"conv{stage}_block{block}"
            if block == 1:
                layer(f"{name}_0", 1, inputs, 4 * width)
            layer(f"{name}_1", 1, inputs, width)
            layer(f"{name}_2", 3, width, width)
            layer(f"{name}_3", 1, width, 4 * width)
            inputs = 4 * width
    return layers


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


def test_the_imported_network_does_what_keras_does(
    keras: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    kept = import_weights(V1, write_model(tmp_path / "package" / "model", keras).parent)
    assert kept == imported_file(V1)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    network = pretrained_network("resnet50_v1", 7).eval()
    assert not network.fc.weight.any()
    assert all(tensor.abs().max() < 1000 for tensor in network.state_dict().values())
    found = []
    network.layer4.register_forward_hook(lambda *args: found.append(args[2]))
    pictures = torch.randint(0, 256, (2, 3, 96, 64)).float()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        network((pictures / 255 - mean) / std)
        expected = as_keras_does(keras, pictures)
    # Zeros at the border stand for colours that are half a grey level apart.
    torch.testing.assert_close(found[0], expected, rtol=0.02, atol=0.02 * float(expected.max()))
    assert float((found[0] - expected).abs().mean() / expected.abs().mean()) < 2e-3


def test_an_archive_holds_what_the_folder_holds(keras: dict[str, Any], tmp_path: Path) -> None:
    few = {name: keras[name] for name in list(keras)[:6]}
    folder = write_model(tmp_path / "package" / "model", few)
    with tarfile.open(tmp_path / "model.tgz", "w:gz") as archive:
        archive.add(folder, "package/model")
    for path in (folder, tmp_path / "model.tgz"):
        read = read_layers_model(path)
        assert list(read) == list(few)
        for name, array in few.items():
            np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "has no model.json"),
        (lambda f: (f / "model.json").write_text("{}"), "does not describe"),
        (lambda f: (f / "model.json").write_text("<html>"), "does not describe"),
        (lambda f: (f / "group1-shard2of2.bin").write_bytes(b"12"), "the files end before conv1"),
    ],
)
def test_what_is_no_layers_model_is_said(
    change: Callable[[Path], object], message: str, keras: dict[str, Any], tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "model", {name: keras[name] for name in list(keras)[:6]})
    change(folder)
    with pytest.raises(LayersModelError, match=message):
        read_layers_model(folder)


def test_other_files_and_networks_are_refused(
    keras: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    other = tmp_path / "weights.h5"
    other.write_bytes(b"\x89HDF")
    with pytest.raises(LayersModelError, match=r"neither a folder .* nor a tar archive"):
        read_layers_model(other)
    few = {name: keras[name] for name in list(keras)[:6]}
    with pytest.raises(LayersModelError, match="no conv2_block1_0_conv/kernel"):
        resnet50_state(few)
    wrong = {**keras, "conv5_block3_2_conv/kernel": np.zeros((1, 1, 512, 512), "f4")}
    with pytest.raises(
        LayersModelError, match=r"layer4.2.conv2.weight has the shape \(512, 512, 1"
    ):
        import_weights(V1, write_model(tmp_path / "wrong", wrong))
    halves = write_model(tmp_path / "halves", few, dtype="float16")
    with pytest.raises(LayersModelError, match="not kept as float32"):
        read_layers_model(halves)
    with pytest.raises(ValueError, match="resnet50 are not imported"):
        import_weights(get_backbone("resnet50"), tmp_path / "wrong")
    assert not list(tmp_path.rglob("*.safetensors"))


def test_without_the_import_a_sentence_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path))
    with pytest.raises(WeightsUnavailableError, match="import-weights resnet50_v1 FILE"):
        pretrained_network("resnet50_v1", 7)


def test_strides_are_where_the_paper_has_them() -> None:
    published, usual = (build_network(name, 7) for name in ("resnet50_v1", "resnet50"))
    for stage in ("layer2", "layer3", "layer4"):
        first, other = (getattr(network, stage)[0] for network in (published, usual))
        assert (first.conv1.stride, first.conv2.stride) == ((2, 2), (1, 1))
        assert (other.conv1.stride, other.conv2.stride) == ((1, 1), (2, 2))
    assert published.layer1[0].conv1.stride == (1, 1)
