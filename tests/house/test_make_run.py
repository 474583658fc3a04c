"""The second `make run`: nothing is installed or exported again, and it answers soon."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.house.servers import answers, free_port

SECOND_START = 5.0  # seconds


def start(repository: Path, environment: dict[str, str], log: Path) -> float:
    """Seconds from `make run` until the model answers; the server is stopped afterwards."""
    port = free_port()
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
        return time.monotonic() - began
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=40)


@pytest.mark.slow
@pytest.mark.torch
def test_second_run_answers_soon(
    repository: Path, user_environment: dict[str, str], tmp_path: Path
) -> None:
    venv = repository / ".venv"
    if Path(sys.prefix) != venv or not (venv / ".runtime").is_file():
        pytest.skip("not run from the environment that `make` made")
    # The better of two, so that another program's burst does not count as ours.
    seconds = min(start(repository, user_environment, tmp_path / f"log{n}") for n in range(2))
    assert seconds < SECOND_START
    assert "Installing" not in (tmp_path / "log1").read_text()
