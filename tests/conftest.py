"""What every test may ask for: the HAM10000 archives, a Chromium, torch. Absent ones skip, visibly.

A test that asks for `ham10000_root` or `chromium` carries the marker `data` or `browser` by itself;
a test marked `torch` is skipped where torch is not installed.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FIXTURE_MARKERS = {"ham10000_root": "data", "chromium": "browser"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Derive the markers `data` and `browser` from the fixtures, and skip what needs torch."""
    torch_missing = importlib.util.find_spec("torch") is None
    for item in items:
        for fixture, marker in FIXTURE_MARKERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if torch_missing and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="torch is not installed"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def ham10000_root() -> Path:
    """The folder with the HAM10000 archives as distributed, from HAM10000_ROOT."""
    value = os.environ.get("HAM10000_ROOT")
    if not value:
        pytest.skip("HAM10000_ROOT is not set")
    root = Path(value).resolve()
    if not (root / "HAM10000_metadata.csv").is_file():
        pytest.fail(f"HAM10000_ROOT is {value}, which holds no HAM10000_metadata.csv")
    return root


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium to drive: CHROMIUM, or the first one on PATH."""
    named = os.environ.get("CHROMIUM")
    if named and not Path(named).is_file():
        pytest.fail(f"CHROMIUM is {named}, which is not a file")
    found = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found:
        pytest.skip("no Chromium found: install one, or name it in CHROMIUM")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """One Chromium for all tests: Playwright cannot be started twice in a process."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
