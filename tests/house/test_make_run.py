"""The second `make run`: nothing is installed or exported again, and it answers soon."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.house.servers import answers, free_port

SECOND_START = 5.0  # seconds


def start(repository: Path, environment: dict[str, str], log: Path) -> float:
    """Seconds from `make run` until the model answers; the server is stopped afterwards.

    On a machine that is busy with something else, processor time stands in for the clock.
    """
    port = free_port()
    used = processor_seconds()
    began = time.monotonic()
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["make", "run"],
            cwd=repository,
            env={**environment, "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if not answers(f"http://127.0.0.1:{port}/ready", server):
            pytest.fail(f"`make run` did not serve:\n{log.read_text()}")
        elapsed = time.monotonic() - began
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=40)
    return min(elapsed, processor_seconds() - used)


def processor_seconds() -> float:
    """What the processes that this one has waited for have used, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
@pytest.mark.torch
def test_second_run_answers_soon(
    repository: Path, user_environment: dict[str, str], tmp_path: Path
) -> None:
    venv = repository / ".venv"
    stamp = venv / ".runtime"
    if Path(sys.prefix) != venv or not stamp.is_file():
        pytest.skip("not run from the environment that `make` made")
    requirements = (repository / "requirements").glob("*.txt")
    if stamp.stat().st_mtime < max(file.stat().st_mtime for file in requirements):
        pytest.skip("the environment is older than the requirements: run `make test`")
    log = tmp_path / "log"
    assert start(repository, user_environment, log) < SECOND_START
    assert "Installing" not in log.read_text()
