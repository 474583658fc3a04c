"""A package with random layers in the place of Keras's ResNet50."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.pretrained import keras_resnet50

WIDTHS = ((64, 3), (128, 4), (256, 6), (512, 3))


def random_layers() -> dict[str, Any]:
    """Layers of Keras's ResNet50."""
    rng = np.random.default_rng(0)
    layers: dict[str, Any] = {}

    def layer(name: str, size: int, inputs: int, outputs: int) -> None:
        spread = np.float32(np.sqrt(2 / (size * size * inputs)))
        kernel = rng.standard_normal((size, size, inputs, outputs), np.float32) * spread
        layers[f"{name}_bn/gamma"] = rng.uniform(0.5, 1.0, outputs).astype("f4")
        layers[f"{name}_bn/beta"] = rng.normal(0, 0.2, outputs).astype("f4")
        layers[f"{name}_bn/moving_mean"] = rng.normal(0, 0.2, outputs).astype("f4")
        # The stem takes colours in 0..255.
        colours = 60 if inputs == 3 else 1
        variance = colours**2 * rng.uniform(0.5, 1.5, outputs)
        layers[f"{name}_bn/moving_variance"] = variance.astype("f4")
        layers[f"{name}_conv/kernel"] = kernel
        layers[f"{name}_conv/bias"] = rng.normal(0, 0.2, outputs).astype("f4")

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


def write_archive(file: Path, layers: dict[str, Any]) -> None:
    """A package with a layers model in two files, as the converter cuts them."""
    values = b"".join(array.astype("<f4").tobytes() for array in layers.values())
    half = len(values) // 2
    weights = [
        {"name": name, "shape": list(array.shape), "dtype": "float32"}
        for name, array in layers.items()
    ]
    group = {"paths": ["shard1.bin", "shard2.bin"], "weights": weights}
    content = {
        "model.json": json.dumps({"weightsManifest": [group]}).encode(),
        "shard1.bin": values[:half],
        "shard2.bin": values[half:],
    }
    with tarfile.open(file, "w") as package:
        for name, data in content.items():
            member = tarfile.TarInfo(f"package/model/{name}")
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))


@pytest.fixture(scope="module")
def keras_layers() -> dict[str, Any]:
    """Random layers of Keras's ResNet50."""
    return random_layers()


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory, keras_layers: dict[str, Any]) -> Path:
    """Their package."""
    path = tmp_path_factory.mktemp("package") / "resnet50.tgz"
    write_archive(path, keras_layers)
    return path


@pytest.fixture
def keras_archive(keras_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package, taken for the published one."""
    digest = hashlib.sha256(keras_file.read_bytes()).hexdigest()
    monkeypatch.setattr(keras_resnet50, "SHA256", digest)
    return keras_file
