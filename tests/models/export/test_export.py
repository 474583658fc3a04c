"""Exporting: whole or not at all, keyed by what it depends on, quiet, and without torch if made."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from models.checkpoint.card import load_card
from models.errors import CheckpointError
from models.export import export as export_module
from models.export.cache import cache_dir
from models.export.export import GRAPH_FILE, export, export_path, exported
from models.export.mixed_precision import PRODUCTS, SMALL

pytestmark = pytest.mark.torch


def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own; what it prints is in the result."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        env=os.environ | environment,
    )


def test_an_export_is_found_again(tiny: Path, tiny_cache: Path) -> None:
    (folder,) = tiny_cache.iterdir()
    assert folder.name.startswith("tiny-")
    assert sorted(file.name for file in folder.iterdir()) == ["model.bin", "model.xml"]
    assert exported(tiny, tiny_cache) == folder
    assert exported("tiny", tiny_cache, root=tiny.parent) == folder
    before = (folder / GRAPH_FILE).stat().st_mtime_ns
    assert export(tiny, tiny_cache) == folder
    assert (folder / GRAPH_FILE).stat().st_mtime_ns == before


def test_weights_are_stored_once_and_readable_by_all(tiny: Path, tiny_cache: Path) -> None:
    """float32, so twice the checkpoint's float16; batch normalisation is folded into them."""
    (folder,) = tiny_cache.iterdir()
    half = (tiny / "model.safetensors").stat().st_size
    assert 1.9 * half < (folder / "model.bin").stat().st_size < 2.02 * half
    assert (folder / "model.bin").stat().st_mode & 0o777 == 0o644


def test_sums_of_small_maps_are_exact_and_products_are_not(tiny: Path, tiny_cache: Path) -> None:
    (folder,) = tiny_cache.iterdir()
    mark = "rt_info/attribute[@name='DisablePrecisionConversion']"
    layers = ElementTree.parse(folder / GRAPH_FILE).getroot().iter("layer")
    exact = [one for one in layers if one.find(mark) is not None]
    assert {"Add", "ReLU"} <= {one.get("type") for one in exact}
    assert not {one.get("type") for one in exact} & PRODUCTS
    sides = [int(dim.text or 0) for one in exact for dim in one.findall("output/port/dim")[2:]]
    assert max(sides) == load_card(tiny).preprocessing.input_size // SMALL


def test_the_place_depends_on_all_that_the_graph_depends_on(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_card(tiny)
    changed = [
        replace(card, weights_sha256="0" * 64),
        replace(card, backbone="resnet34"),
        replace(card, preprocessing=replace(card.preprocessing, input_size=65)),
        replace(card, preprocessing=replace(card.preprocessing, mean=(0.1, 0.2, 0.3))),
    ]
    same = [replace(card, temperature=3.0), replace(card, description="words")]
    here = export_path(tiny, card, tmp_path)
    assert len({here, *(export_path(tiny, other, tmp_path) for other in changed)}) == 5
    assert {export_path(tiny, other, tmp_path) for other in same} == {here}
    monkeypatch.setattr(export_module, "version", lambda _package: "2099.1")
    assert export_path(tiny, card, tmp_path) != here


def test_a_card_without_a_hash_is_keyed_by_the_file(tiny: Path, tmp_path: Path) -> None:
    card = load_card(tiny)
    unnamed = replace(card, weights_sha256="")
    assert export_path(tiny, unnamed, tmp_path) == export_path(tiny, card, tmp_path)


def test_a_failing_export_leaves_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.runtime import ov

    def half_written(_model: object, path: Path, **_options: object) -> None:
        Path(path).write_text("<net")
        raise RuntimeError("no space left")

    monkeypatch.setattr(ov, "save_model", half_written)
    with pytest.raises(RuntimeError, match="no space left"):
        export(tiny, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    assert exported(tiny, tmp_path / "cache") is None


def test_what_killed_exports_left_is_removed_in_time(tiny: Path, tmp_path: Path) -> None:
    old, new = tmp_path / ".making-old", tmp_path / ".making-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "model.bin").write_bytes(b"half")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    export(tiny, tmp_path)
    assert not old.exists()
    assert new.exists()


def test_a_damaged_checkpoint_is_not_exported(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    data = bytearray((tiny / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "model.safetensors").write_bytes(data)
    (copy / "card.json").write_bytes((tiny / "card.json").read_bytes())
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        export(copy, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="file"):
        export(tiny, tmp_path / "file" / "cache")


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "skin-lesion-dashboard"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "skin-lesion-dashboard"
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"


def test_an_export_that_is_there_loads_neither_torch_nor_openvino(
    tiny: Path, tiny_cache: Path
) -> None:
    done = run(
        "import sys; from models.export.export import export; print(export(sys.argv[1]))\n"
        "print(sorted({'torch', 'openvino', 'timm', 'safetensors'} & set(sys.modules)))",
        tiny,
        CACHE_DIR=str(tiny_cache),
    )
    (folder,) = tiny_cache.iterdir()
    assert (done.stdout.splitlines(), done.stderr) == ([str(folder), "[]"], "")


def test_exporting_and_predicting_print_nothing_and_reach_for_no_network(
    tiny: Path, tmp_path: Path
) -> None:
    script = """
import socket, sys
def refuse(*address):
    raise SystemExit(f"the network was used: {address}")
socket.getaddrinfo = socket.create_connection = refuse
socket.socket.connect = socket.socket.sendto = refuse
import numpy as np
from models.export.export import export
from models.inference.classifier import Classifier
export(sys.argv[1])
Classifier(sys.argv[1]).predict_one(np.zeros((50, 60, 3), np.uint8))
loaded = [name for name in sys.modules if name.startswith("openvino_telemetry")]
assert [sys.modules[name] for name in loaded] == [None], loaded
"""
    done = run(script, tiny, CACHE_DIR=str(tmp_path), HOME=str(tmp_path / "home"), CI="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_two_processes_may_export_at_the_same_time(tiny: Path, tmp_path: Path) -> None:
    script = "import sys; from models.export.export import export; print(export(sys.argv[1]))"
    environment = os.environ | {"CACHE_DIR": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tiny)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=200) for process in running]
    (folder,) = tmp_path.iterdir()
    assert outputs == [(f"{folder}\n", "")] * 2
    assert exported(tiny, tmp_path) == folder
