"""Arrows point down, between folders and within them; torch stays where it belongs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.imports import FOLDERS, Import, arrows, floors, imports_below, imports_of

MAY_IMPORT = {
    "quality": set(),
    "models": {"quality"},
    "retraining": {"models", "quality"},
    "studies": {"models", "quality", "retraining", "interpretability"},
    "interpretability": {"models", "quality"},
    "Dashboard": {"models", "quality", "interpretability"},
}
# The rooms of a folder from the lowest to the highest: each may import those before it. Files that
# stand beside them are checked for circles alone.
ROOMS = {
    "models": ("registry", "pretrained", "checkpoint", "export", "inference", "cli"),
    "retraining": (
        "data", "transforms", "metrics", "training", "evaluation", "publishing", "reports", "cli",
    ),
    "interpretability": ("attribution", "rendering", "faithfulness", "cli"),
    "Dashboard": ("web", "assess", "store", "proven", "explain", "api", "ui"),
    "Dashboard/ui": (
        "elements", "models", "explain", "lesions", "similar", "cases", "report", "shell",
        "compare", "audit", "quality", "worklist",
    ),
}  # fmt: skip
MOST_FLOORS = 8
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


@pytest.mark.parametrize("folder", ROOMS)
def test_rooms_are_those_that_are_there(repository: Path, folder: str) -> None:
    there = {file.parent.name for file in (repository / folder).glob("*/__init__.py")}
    assert there == set(ROOMS[folder])


@pytest.mark.parametrize("folder", ROOMS)
def test_arrows_between_rooms_point_down(repository: Path, folder: str) -> None:
    order = ROOMS[folder]
    assert [
        str(one)
        for (here, there), ones in arrows(repository / folder, repository).items()
        if {here, there} <= set(order) and order.index(there) > order.index(here)
        for one in ones
    ] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_circle_and_few_floors_in_any_folder(repository: Path, folder: str) -> None:
    """Each folder's files and sub-folders, a sub-folder as one; a ValueError names a circle."""
    packages = sorted((repository / folder).rglob("__init__.py"))
    heights = {
        str(package.parent.relative_to(repository)): floors(arrows(package.parent, repository))
        for package in packages
    }
    assert {name: height for name, height in heights.items() if height > MOST_FLOORS} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_are_absolute(repository: Path, folder: str) -> None:
    assert [
        f"{file.relative_to(repository)}:{node.lineno}"
        for file in sorted((repository / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ] == []


def test_a_circle_is_named(tmp_path: Path) -> None:
    package = tmp_path / "quality"
    (package / "deep").mkdir(parents=True)
    for file in (package / "__init__.py", package / "deep" / "__init__.py"):
        file.write_text("")
    (package / "one.py").write_text("def f():\n    from quality.deep import two\n")
    (package / "deep" / "two.py").write_text("from quality.one import f\n")
    with pytest.raises(ValueError, match=r"deep -> one -> deep|one -> deep -> one"):
        floors(arrows(package, tmp_path))
    (package / "one.py").write_text("")
    assert floors(arrows(package, tmp_path)) == 2


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
