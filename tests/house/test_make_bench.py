"""`make bench`: runs every benchmark that needs no data, and says how to run the one that does."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PYTHON = """#!/bin/sh
echo "ran $*"
case "$*" in *"$FAILING") exit 3;; esac
"""


def bench(
    repository: Path, folder: Path, failing: str = "nothing"
) -> subprocess.CompletedProcess[str]:
    """`make bench` with a Python that only says what it was to run, and fails at one file."""
    venv = folder / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text(PYTHON)
    (venv / "bin" / "python").chmod(0o755)
    for stamp in (".runtime", ".dev"):  # newer than the requirements: nothing is installed
        (venv / stamp).touch()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "bench", f"VENV={venv}"],
        cwd=repository,
        env={**inherited, "FAILING": failing},
        capture_output=True,
        text=True,
    )


pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def test_all_but_the_one_that_needs_data(repository: Path, tmp_path: Path) -> None:
    done = bench(repository, tmp_path)
    files = sorted(path.name for path in (repository / "benchmarks").glob("*.py"))
    files.remove("accuracy.py")
    assert (done.returncode, done.stderr) == (0, "")
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran benchmarks/")]
    assert ran == [f"ran benchmarks/{name}" for name in files]
    assert "python benchmarks/accuracy.py SPLIT.csv" in done.stdout


def test_one_that_fails_is_named_at_the_end(repository: Path, tmp_path: Path) -> None:
    done = bench(repository, tmp_path, "concurrency.py")
    assert done.returncode != 0
    assert "ran benchmarks/training.py" in done.stdout  # the last
    assert "These failed: benchmarks/concurrency.py" in done.stderr
