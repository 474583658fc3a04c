"""The notebooks run top to bottom, at low effort, on the drawn lesion."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = ("Interpretability_ResNeXt50_Captum.ipynb", "Interpretability_any_backbone.ipynb")


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs(name: str, repository: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "--nbmake", "-q", "-p", "no:cacheprovider",
            "--override-ini=filterwarnings=default", "--timeout=600",
            str(repository / "interpretability" / "notebooks" / name),
        ],
        cwd=repository, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_its_outputs_are_small_and_hold_no_machine(name: str, repository: Path) -> None:
    path = repository / "interpretability" / "notebooks" / name
    assert path.stat().st_size < 1_000_000
    book = json.loads(path.read_text(encoding="utf-8"))
    outputs = [one for cell in book["cells"] for one in cell.get("outputs", [])]
    assert outputs
    kinds = {(one["output_type"], one.get("name")) for one in outputs}
    assert kinds <= {("display_data", None), ("execute_result", None), ("stream", "stdout")}
    assert "Dashboard" not in path.read_text(encoding="utf-8")
