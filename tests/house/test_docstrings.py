"""The examples in docstrings are true."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.house.imports import FOLDERS

ROOT = Path(__file__).resolve().parents[2]
# What other folders import, or every user calls, shows how it is used.
SHOWN = ("quality", "models", "retraining", "interpretability")


def modules_with_examples() -> list[str]:
    """Modules of the product with at least one `>>>`, by their dotted names."""
    found = []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in file.read_text(encoding="utf-8"):
                parts = file.relative_to(ROOT).with_suffix("").parts
                found.append(".".join(parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("folder", SHOWN)
def test_every_folder_that_others_import_has_examples(folder: str) -> None:
    assert [name for name in modules_with_examples() if name.partition(".")[0] == folder]
