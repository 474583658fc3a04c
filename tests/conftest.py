"""What every test may ask for: the HAM10000 archives, a Chromium, torch. Absent ones skip, visibly.

A test that asks for `ham10000_root` or `chromium` carries the marker `data` or `browser` by itself;
a test marked `torch` is skipped where torch is not installed. The suite may run in several
processes (`-n 2`, `make test`): those of a file stay together, and the longest files come first.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
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
# Files of more than ten seconds, the longest first: what is begun last must not be long.
LONGEST_FIRST = (
    "retraining/training/test_recipes.py",
    "retraining/training/test_train.py",
    "models/registry/test_networks.py",
    "interpretability/test_notebooks.py",
    "retraining/training/test_lesion_module.py",
    "models/export/test_agreement.py",
    "interpretability/attribution/test_backbones.py",
    "dashboard/browser/test_explain_alike.py",
    "interpretability/cli/test_commands.py",
    "dashboard/browser/test_access.py",
    "dashboard/browser/test_compare.py",
    "house/test_first_look.py",
    "models/export/test_int8.py",
    "dashboard/test_server.py",
    "dashboard/explain/test_jobs_torch.py",
    "dashboard/explain/test_jobs_redis.py",
    "models/export/test_export.py",
    "dashboard/browser/test_models.py",
    "dashboard/store/test_store.py",
    "dashboard/store/test_kills.py",
    "dashboard/browser/test_worklist.py",
)
NOT_FAST = ("slow", "torch", "browser", "data")
IMPORTS_TORCH = re.compile(r'^(torch = )?pytest\.importorskip\("torch"\)', re.MULTILINE)
EXPORTS = pytest.StashKey[Path]()

# One thread a process: networks as small as those of the tests gain nothing from a second one,
# and where others want the cores, too, threads spend twice the time on waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


# Messages of commands in one line, however long the folder is that the run's files lie in.
os.environ.setdefault("TERMINAL_WIDTH", "200")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fast`, for `make check`."""
    text = f"leave out tests marked {', '.join(NOT_FAST)}; torch is not even imported"
    parser.addoption("--fast", action="store_true", help=text)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--fast`, do not read files that import torch: that takes as long as the other tests."""
    if config.getoption("fast") and collection_path.suffix == ".py":
        return True if IMPORTS_TORCH.search(collection_path.read_text()) else None
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a cache of exported models of its own, which its processes share."""
    if not hasattr(config, "workerinput"):
        config.stash[EXPORTS] = Path(tempfile.mkdtemp(prefix="exports-"))
        os.environ["CACHE_DIR"] = str(config.stash[EXPORTS])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the exported models."""
    if EXPORTS in config.stash:
        shutil.rmtree(config.stash[EXPORTS], ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Derive the markers `data` and `browser` from the fixtures, and skip what needs torch."""
    rank = {f"tests/{file}": place for place, file in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
    torch_missing = importlib.util.find_spec("torch") is None
    for item in items:
        for fixture, marker in FIXTURE_MARKERS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
        if torch_missing and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="torch is not installed"))
    if config.getoption("fast"):
        marked = [item for item in items if any(map(item.get_closest_marker, NOT_FAST))]
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in set(marked)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once a reason what was skipped for it, instead of a line a place."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("skipped")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5d}  {reason}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def exported_models() -> Path:
    """The cache folder (`CACHE_DIR` of the run) with the serving form of all shipped models."""
    cache = Path(os.environ["CACHE_DIR"])
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process makes them, the others wait for it
        command = [sys.executable, "-m", "models", "export", "--all"]
        subprocess.run(command, cwd=ROOT, check=True)
    return cache


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
