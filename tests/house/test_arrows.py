"""Floors, arrows only downwards; torch stays where it belongs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.imports import FOLDERS, Import, imports_below, imports_of

MAY_IMPORT = {
    "quality": set(),
    "models": {"quality"},
    "retraining": {"models", "quality"},
    "interpretability": {"models", "quality"},
    "studies": {"models", "quality", "retraining", "interpretability"},
    "Dashboard": {"models", "quality", "interpretability"},
}
COMMANDS = {"typer", "rich"}
IMAGES = {"numpy", "cv2", "skimage", "PIL"}
# Where a folder's libraries are few enough to be named, nothing else may enter.
LIBRARIES = {
    "quality": IMAGES | COMMANDS,
    "models": {
        "numpy",
        "cv2",
        "openvino",
        "safetensors",
        "torch",
        "torchvision",
        "timm",
        "nncf",
        "jinja2",
        "yaml",
    }
    | COMMANDS,
}
TRAINING = {"torch", "torchvision", "timm", "captum", "lightning", "pytorch_lightning"}


def crossings(found: list[Import], folder: str) -> list[str]:
    """The imports by which `folder` reaches a folder that it may not."""
    others = set(FOLDERS) - {folder} - MAY_IMPORT[folder]
    return [str(one) for one in found if one.top in others]


@pytest.mark.parametrize("folder", FOLDERS)
def test_arrows_point_down(repository: Path, folder: str) -> None:
    assert (repository / folder / "__init__.py").is_file()
    assert crossings(imports_below(repository / folder, repository), folder) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_imports_the_tests_or_benchmarks(repository: Path, folder: str) -> None:
    found = imports_below(repository / folder, repository)
    assert [str(one) for one in found if one.top in {"tests", "benchmarks"}] == []


@pytest.mark.parametrize("folder", LIBRARIES)
def test_libraries_of_a_folder(repository: Path, folder: str) -> None:
    allowed = LIBRARIES[folder] | MAY_IMPORT[folder] | {folder} | sys.stdlib_module_names
    found = imports_below(repository / folder, repository)
    assert [str(one) for one in found if one.top not in allowed] == []


def test_models_import_torch_only_inside_functions(repository: Path) -> None:
    found = imports_below(repository / "models", repository)
    assert [
        str(one)
        for one in found
        if one.top in TRAINING | {"safetensors"} and not one.inner and not one.typing_only
    ] == []


@pytest.mark.parametrize("folder", ["quality", "Dashboard"])
def test_no_torch_at_all(repository: Path, folder: str) -> None:
    found = imports_below(repository / folder, repository)
    assert [str(one) for one in found if one.top in TRAINING] == []


@pytest.mark.parametrize(
    "module",
    ["quality", "quality.__main__", "models", "models.inference.classifier", "models.__main__",
     "Dashboard.dash_ham", "Dashboard.__main__", "Dashboard.client", "interpretability",
     "interpretability.rendering.overlay", "interpretability.attribution.placement"],
)  # fmt: skip
def test_importing_loads_no_torch(repository: Path, module: str) -> None:
    program = (
        f"import sys, {module}\n"
        f"loaded = sorted(set(m.partition('.')[0] for m in sys.modules) & {TRAINING!r})\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import models.export as e", ["models.export"]),
        ("from models import export, classifier", ["models.export", "models.classifier"]),
        ("from ..models.export import export", ["models.export.export"]),
        ("from ..models import export", ["models.export"]),
        ("from .gate import check", ["quality.gate.check"]),
        ("from . import gate", ["quality.gate"]),
        ("def f():\n    if True:\n        import models", ["models"]),
        ("from importlib import import_module\nimport_module('models.export')",
         ["importlib.import_module", "models.export"]),
        ("class A:\n    def f(self):\n        return __import__('Dashboard')", ["Dashboard"]),
        ("x = lambda: __import__('torch')", ["torch"]),
        ("'import models'\n# import models", []),
    ],
)  # fmt: skip
def test_imports_are_found_and_resolved(tmp_path: Path, source: str, expected: list[str]) -> None:
    file = tmp_path / "quality" / "file.py"
    file.parent.mkdir()
    file.write_text(source)
    assert [one.module for one in imports_of(file, tmp_path)] == expected


def test_where_an_import_stands(tmp_path: Path) -> None:
    file = tmp_path / "models" / "file.py"
    file.parent.mkdir()
    file.write_text(
        "import numpy\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    import torch\n"
        "else:\n"
        "    import timm\n"
        "def f():\n"
        "    import torchvision\n"
    )
    places = {one.module: (one.inner, one.typing_only) for one in imports_of(file, tmp_path)}
    assert places == {
        "numpy": (False, False),
        "typing.TYPE_CHECKING": (False, False),
        "torch": (False, True),
        "timm": (False, False),
        "torchvision": (True, False),
    }


def test_a_crossing_is_named(tmp_path: Path) -> None:
    file = tmp_path / "quality" / "deep" / "file.py"
    file.parent.mkdir(parents=True)
    file.write_text("def f():\n    from ...models import export\n")
    found = imports_below(tmp_path / "quality", tmp_path)
    assert crossings(found, "quality") == ["quality/deep/file.py:2 imports models.export"]
