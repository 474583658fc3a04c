"""What corruptions cost: numbers by hand, and the files of a measurement."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.registry.taxonomy import HAM10000
from retraining.evaluation.robustness import (
    CLEAN,
    CORRUPTIONS,
    MEAN,
    by_corruption,
    measure_robustness,
)
from retraining.transforms.corruptions import VARIANTS
from tests.retraining.reports.test_report_commands import run
from tests.retraining.tiny import write_tiny_split

CODES = HAM10000.codes


def table(wrong: dict[str, int]) -> pd.DataFrame:
    """Ten images of mel and of nv; under each corruption so many mel are taken for nv."""
    rows = []
    for corruption, count in wrong.items():
        for i in range(20):
            code = "mel" if i < 10 else "nv"
            said = "nv" if i < count else code
            values = {c: 0.7 if c == said else 0.05 for c in CODES}
            about = (f"I{i}", f"L{i}", code, corruption, corruption == "dark")
            rows.append((*about, *values.values()))
    names = ["image_id", "lesion_id", "dx", "corruption", "flagged_ood"]
    return pd.DataFrame(rows, columns=[*names, *CODES])


def test_losses_by_hand() -> None:
    measured = table({CLEAN: 1, "dark": 5, "bluish": 1})
    found = by_corruption(measured, HAM10000).set_index("corruption")
    assert list(found.index) == [CLEAN, "dark", "bluish", MEAN]
    assert found.balanced_accuracy.to_list() == pytest.approx([0.95, 0.75, 0.95, 0.85])
    assert found.lost.to_list() == pytest.approx([0, 0.2, 0, 0.1])
    assert found.same.to_list() == pytest.approx([1, 0.8, 1, 0.9])
    assert found.flagged_ood.to_list() == pytest.approx([0, 1, 0, 0.5])
    assert found.malignant_auc["dark"] == pytest.approx(0.75)
    # Lost on the same lesions: nothing is lost in any draw of them.
    assert (found.lost_low["bluish"], found.lost_high["bluish"]) == (0, 0)
    assert 0 < found.lost_low["dark"] < 0.2 < found.lost_high["dark"] < 0.4
    assert found.lost_low[MEAN] == pytest.approx(found.lost_low["dark"] / 2)


def test_every_corruption_is_measured() -> None:
    assert list(CORRUPTIONS) == [CLEAN, *VARIANTS]
    picture = np.zeros((8, 8, 3), np.uint8)
    assert CORRUPTIONS[CLEAN](picture) is picture


@pytest.mark.torch
def test_two_checkpoints_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from models.checkpoint.weights import save_checkpoint
    from tests.models.pretrained.test_pretrained import card_of, seeded

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "weights"
    for name in ("one", "two"):
        card = dataclasses.replace(card_of({}), name=name, version="1.2.3")
        save_checkpoint(root / name, seeded().state_dict(), card)
    splits = write_tiny_split(tmp_path / "split")
    words = ["robustness", "one", "two", "--splits", str(splits), "--root", str(root)]
    assert run(monkeypatch, *words, "--split", "val", "--per-class", "1", "--out", "out") == 0
    assert capsys.readouterr().out.count("in the mean of the") == 2
    made = Path("out")
    assert sorted(path.name for path in made.iterdir()) == [
        "corruptions.csv", "report.md", "robustness.json",
    ]  # fmt: skip
    found = pd.read_csv(made / "corruptions.csv")
    assert len(found) == 2 * (len(CORRUPTIONS) + 1)
    assert list(found.model.unique()) == ["one 1.2.3", "two 1.2.3"]
    about = json.loads((made / "robustness.json").read_text())
    assert (about["split"], about["images"], about["lesions"]) == ("val", 7, 7)
    report = (made / "report.md").read_text()
    assert "7 val images of 7 lesions" in report
    assert all(f"| {name} |" in report for name in CORRUPTIONS)
    words = ["robustness", "one", str(root / "one"), *words[3:]]
    assert run(monkeypatch, *words, "--split", "val", "--out", "again") == 2
    assert "the same name and version: one 1.2.3, one 1.2.3" in capsys.readouterr().err
    assert not Path("again").exists()


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    splits = write_tiny_split(tmp_path)
    with pytest.raises(ValueError, match=r"has no split 'test', only train, val"):
        measure_robustness(["one"], splits, tmp_path / "out")
