"""Runs that left a source out, beside one that did not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.registry.taxonomy import HAM10000
from retraining.evaluation.evaluation_folder import Evaluation, write_scores
from studies.sources.study import compare_sources, write_report

CODES = HAM10000.codes


def evaluated(folder: Path, scheme: dict[str, str], names: list[str], shift: int) -> Path:
    """A run whose answers for images of classes in turn are `shift` classes off."""
    splits = folder / "splits"
    splits.mkdir(parents=True)
    (splits / "split.json").write_text(json.dumps(scheme))
    (folder / "config.yaml").write_text(f"backbone: resnet18\nsplits: {splits}\n")
    classes = np.array([int(name[1:]) % len(CODES) for name in names])
    frame = pd.DataFrame(
        {"image_id": names, "lesion_id": names, "dx": [CODES[one] for one in classes]}
    )
    logits = np.eye(len(CODES))[(classes + shift) % len(CODES)]
    evaluation = Evaluation(
        model=folder.name, backbone="resnet18", recipe="r", form="trained", input_size=64,
        temperature=1.0, operating_point={"threshold": 0.5}, chosen_on="val", split="s",
        trained_on="s", weights="w", taxonomy=HAM10000.to_dict(),
        frequencies=dict.fromkeys(CODES, 1 / 7),
    )  # fmt: skip
    write_scores(folder, evaluation, "test", frame, logits, resamples=3)
    return folder


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return evaluated(tmp_path / "seen", {"scheme": "lesion"}, [f"i{n}" for n in range(14)], 0)


def test_what_a_source_that_was_left_out_costs(tmp_path: Path, seen: Path) -> None:
    images = [f"i{n}" for n in range(7, 28)]
    without = evaluated(tmp_path / "x", {"scheme": "source", "source": "clinic"}, images, 1)
    table = compare_sources([without], seen, resamples=20).set_index(["images", "run", "metric"])
    accuracy = table.xs("balanced_accuracy", level="metric")
    assert accuracy.value.to_dict() == {
        ("all", "left out"): 0.0,
        ("test", "left out"): 0.0,
        ("test", "seen"): 1.0,
        ("test", "difference"): -1.0,
    }
    assert accuracy.n.tolist() == [21, 7, 7, 7]
    write_report(table.reset_index(), tmp_path / "report", "command")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "## clinic (n = 21; in test 7)" in text
    assert "| balanced accuracy | 0.000 (0.000 to 0.000) |" in text
    assert "-1.000 (-1.000 to -1.000) |" in text


def test_a_run_that_left_none_out_is_refused(seen: Path) -> None:
    with pytest.raises(ValueError, match="made with --scheme source is needed"):
        compare_sources([seen], seen, resamples=3)
