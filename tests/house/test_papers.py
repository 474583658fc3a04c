"""What the documents name is there, and every decision is written in the same form."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PAPERS = [ROOT / "docs" / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *DECISIONS]
HEADINGS = ["Question", "Measured", "Decision", "What would change it"]
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
FILE = re.compile(r"\.(?:py|md|yaml)$")


def named_paths(text: str) -> list[str]:
    """Paths in backticks outside of code blocks: with a slash, or a file of code or text.

    A part in capitals (`models/weights/NAME/`) stands for any name.
    """
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    paths = [one for one in spans if PATH.fullmatch(one) and ("/" in one or FILE.search(one))]
    return [re.sub(r"(?<![\w.-])[A-Z]+(?![\w.-])", "*", one) for one in paths]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_path_that_is_named_exists(paper: Path) -> None:
    named = named_paths(paper.read_text(encoding="utf-8"))
    assert [one for one in named if not any(ROOT.glob(one))] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.name)
def test_a_decision_has_the_four_headings_a_date_and_a_status(decision: Path) -> None:
    number = re.fullmatch(r"(\d{4})-[a-z0-9-]+\.md", decision.name)
    assert number
    text = decision.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(number[1])}. ")
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}\. Status: \w", text, re.MULTILINE)
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


def test_numbers_of_decisions_are_used_once() -> None:
    numbers = [decision.name[:4] for decision in DECISIONS]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see `quality/gate.py` and `docs/`", ["quality/gate.py", "docs/"]),
        ("`gate.py` `card.json` `Service.assess`", ["gate.py"]),
        ("`POST /predict` `/docs` `python -m models list`", []),
        ("`models/weights/NAME/`", ["models/weights/*/"]),
        ("```sh\nls `no/such`\n```\n`a/b`", ["a/b"]),
    ],
)
def test_paths_are_found(text: str, expected: list[str]) -> None:
    assert named_paths(text) == expected
