"""Every command of the README runs, and what it says about settings and answers is so.

A block of `sh` or `python` is run as it stands, unless a comment `<!-- not run: REASON -->` is
above it; `localhost:8050` becomes a server that the test started. A block of `json` shows the
answer of the block before it, and must have its keys.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from Dashboard.config import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LANGUAGES = {"sh", "python", "json", "text"}


@dataclass(frozen=True)
class Block:
    """A fenced block that is to be run, and the JSON that the README shows as its answer."""

    line: int
    language: str
    text: str
    answer: str | None


def blocks() -> list[Block]:
    """The blocks that are run, in the README's order."""
    matches = list(BLOCK.finditer(README))
    found = []
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        if match["language"] not in {"sh", "python"} or match["why"]:
            continue
        shown = following["text"] if following and following["language"] == "json" else None
        line = README.count("\n", 0, match.start("text")) + 1
        found.append(Block(line, match["language"], match["text"], shown))
    return found


def shape(value: Any) -> Any:
    """The keys of a JSON value, at every depth; lists and plain values count by their kind."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return list if isinstance(value, list) else "value"


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"line{block.line}")
def test_block_runs(
    block: Block, pictures: Path, dashboard_url: str, user_environment: dict[str, str]
) -> None:
    for program in ("bash", "curl"):
        if program in block.text and not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    text = block.text.replace("http://localhost:8050", dashboard_url)
    command = (
        ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else [sys.executable, "-c"]
    )
    done = subprocess.run(
        [*command, text], cwd=pictures, env=user_environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if block.answer:
        assert shape(json.loads(done.stdout)) == shape(json.loads(block.answer))


def test_blocks_that_are_not_run_say_why() -> None:
    matches = list(BLOCK.finditer(README))
    assert {match["language"] for match in matches} <= LANGUAGES
    assert len(blocks()) == 9
    for match in matches:
        if match["why"]:
            assert match["language"] == "sh"
            assert len(match["why"]) > 10


def test_settings_table_is_the_dashboards() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
    assert rows == [(s.name, s.default, s.meaning) for s in SETTINGS]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", README)
    local = [target for target in targets if "://" not in target]
    assert local
    assert [target for target in local if not (ROOT / target).exists()] == []
