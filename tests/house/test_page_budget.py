"""How much script and style of its own the page may have; what is more is a sign, not a need.

Dash, Mantine and AG Grid draw the page: docs/adr/0003-where-page-script-is-allowed.md.
"""

import re
from pathlib import Path

import pytest

DASHBOARD = Path(__file__).resolve().parents[2] / "Dashboard"
MOST_COLUMNS = 120


@pytest.mark.parametrize(("suffixes", "most"), [({".js", ".mjs"}, 900), ({".css"}, 1200)])
def test_lines_of_script_and_of_style(suffixes: set[str], most: int) -> None:
    lines = {
        path.relative_to(DASHBOARD).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (DASHBOARD / "assets").rglob("*")
        if path.suffix in suffixes
    }
    assert sum(lines.values()) <= most, dict(sorted(lines.items(), key=lambda one: -one[1]))


def test_lines_are_not_saved_by_long_ones() -> None:
    long = {
        f"{path.name}: {line}"
        for path in (DASHBOARD / "assets").rglob("*.*js")
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line) > MOST_COLUMNS
    }
    assert long == set()


def test_no_script_stands_in_strings_of_the_server() -> None:
    found = {
        path.relative_to(DASHBOARD).as_posix()
        for path in DASHBOARD.rglob("*.py")
        if re.search(r"clientside_callback|ClientsideFunction", path.read_text(encoding="utf-8"))
    }
    assert found == set()
