"""Pictures, and folders of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.retraining.conftest import picture

Folders = Callable[[dict[str, bytes]], Path]


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Twelve different pictures."""
    rng = np.random.default_rng(1)
    return [picture((80, 40, 30), rng) for _ in range(12)]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Write files by their relative paths; returns the folder."""

    def write(files: dict[str, bytes]) -> Path:
        for name, data in files.items():
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "source"

    return write
