"""The dashboard as a user starts it: a gunicorn of its own, on the shipped checkpoint."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.house.servers import answers, free_port


@pytest.fixture(scope="session")
def user_environment(repository: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Variables of a user whose environment is active and whose models are exported."""
    import models.checkpoint.card

    if not models.checkpoint.card.available():
        pytest.skip("this checkout ships no checkpoint")
    # Under `make test`, the outer make's flags would reach a make that a test starts.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(repository),
        "CACHE_DIR": str(request.getfixturevalue("exported_models")),
    }


@pytest.fixture(scope="session")
def dashboard_url(
    repository: Path, user_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of a dashboard that answers, started as the README says."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["gunicorn", "-b", f"127.0.0.1:{port}", "dash_ham:server"],
            cwd=repository / "Dashboard",
            env=user_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            if not answers(f"{url}/ready", server):
                pytest.fail(f"the dashboard did not become ready:\n{log.read_text()}")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=40)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with `photo.jpg`, and `photos/` with a sharp, a blurred and a pale drawing."""
    rng = np.random.default_rng(0)
    skin = np.full((450, 600, 3), (150, 180, 225), np.uint8)
    cv2.ellipse(skin, (300, 225), (150, 110), 20, 0, 360, (50, 70, 110), -1)
    sharp = np.clip(skin + rng.normal(0, 8, skin.shape), 0, 255).astype(np.uint8)
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "photo.jpg"), sharp)
    cv2.imwrite(str(folder / "sharp.jpg"), sharp)
    cv2.imwrite(str(folder / "blurred.jpg"), cv2.GaussianBlur(sharp, (0, 0), 9))
    cv2.imwrite(str(folder / "pale.png"), (200 + sharp * 0.1).astype(np.uint8))
    return tmp_path
