"""Real photographs, where the data is there."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quality


@pytest.fixture(scope="session")
def originals(ham10000_root: Path) -> list[NDArray[np.uint8]]:
    """HAM10000 pictures at their own 600x450."""
    return [quality.read(path) for path in quality.find_inputs([ham10000_root / "originals"]).files]
