"""What a user sees who tries the dashboard's own example with a model that is shipped."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from Dashboard.ui.elements.examples import example_file
from models.checkpoint.card import available


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("model", available())
def test_the_sharp_example_gets_an_advice(model: str, dashboard_url: str, tmp_path: Path) -> None:
    """It is drawn, but like enough to a dermatoscopic image not to be taken for something else."""
    (tmp_path / "sharp.jpg").write_bytes(example_file("sharp"))
    form = [f"image=@{tmp_path / 'sharp.jpg'}", f"model={model}"]
    command = ["curl", "-s", *(word for field in form for word in ("-F", field))]
    done = subprocess.run([*command, f"{dashboard_url}/predict"], capture_output=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["success"], answer
    assert answer["in_distribution"] is True
    assert answer["message"] == answer["advice"]
