"""Every command starts by `quality.console`: its output takes any text."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("quality", "models", "retraining", "studies", "interpretability", "Dashboard")
COMMANDS = [
    file.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for file in sorted((ROOT / folder).rglob("*.py"))
    if re.search(r"import typer\n[\s\S]*__name__ == ", file.read_text(encoding="utf-8"))
]


def test_commands_are_found() -> None:
    assert len(COMMANDS) == 12
    assert {"quality/__main__.py", "Dashboard/client.py"} < set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_output_takes_any_text(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.search(r"^    (run\(|pass_any_text\(\))", text, re.MULTILINE)
