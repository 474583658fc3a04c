"""Checkpoints on labelled pictures that have no train beside them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from models.registry.taxonomy import Taxonomy
from retraining.data.errors import DataError
from retraining.evaluation.evaluate import evaluate_model
from retraining.evaluation.labelled import Labelled, evaluate_labelled, read_labelled
from tests.retraining.reports.test_report_commands import run


@pytest.fixture
def checkpoint(root: Path, cache: Path) -> Path:
    return root / "colours"


@pytest.fixture(scope="module")
def data(splits: Path) -> Path:
    return splits.parent  # which `prepare` wrote


def values(rows: list[dict[str, object]]) -> dict[str, float]:
    return {str(row["metric"]): float(row["value"]) for row in rows}  # type: ignore[arg-type]


def test_the_figures_of_a_split_are_those_of_its_pictures(
    checkpoint: Path, splits: Path, data: Path, tmp_path: Path
) -> None:
    """By two ways: with the split that has train, and with the pictures alone."""
    root = checkpoint.parent
    whole = values(
        evaluate_model(checkpoint.name, splits, "test", tmp_path / "a", root=root, resamples=2)
    )
    test = read_labelled(f"here={splits}")
    assert (test.name, len(test.frame)) == ("here", len(pd.read_csv(splits / "test.csv")))
    scores = evaluate_labelled(checkpoint.name, test, tmp_path / "b", root=root, resamples=2)
    found = values(scores.metrics)
    assert {group["by"] for group in scores.groups} >= {"skin_tone"}
    same = ("balanced_accuracy", "macro_auc", "malignant_auc", "accuracy", "ece_15")
    for name in same:
        assert found[name] == pytest.approx(whole[name], abs=1e-4), name
    assert 0 <= found["gate_rejected"] <= 1
    # All of the index, without a split; asked a second time nothing is classified.
    everything = read_labelled(str(data))
    assert len(everything.frame) == 140
    (answers,) = (tmp_path / "b").iterdir()
    before = answers.stat().st_mtime_ns
    evaluate_labelled(checkpoint.name, test, tmp_path / "b", root=root, resamples=2)
    assert answers.stat().st_mtime_ns == before


def test_classes_that_the_model_does_not_know_count_as_malignant_or_not(
    checkpoint: Path, splits: Path, tmp_path: Path
) -> None:
    test = read_labelled(str(splits))
    frame = test.frame[test.frame.dx.isin(["nv", "bcc"])].reset_index(drop=True)
    frame["dx"] = np.where(frame.dx == "bcc", "scc", "nv")
    codes = Taxonomy(("nv", "scc"), ("Nevi", "Squamous cell carcinoma"), frozenset({"scc"}))
    scores = evaluate_labelled(
        checkpoint.name, Labelled("own", frame, codes), tmp_path, root=checkpoint.parent,
        resamples=2,
    )  # fmt: skip
    n = {row["metric"]: row["n"] for row in scores.metrics}
    assert n["malignant_auc"] == len(frame)
    assert n["accuracy"] == int((frame.dx == "nv").sum())
    strange = Taxonomy(("a", "b"), ("A", "B"), frozenset({"a"}))
    with pytest.raises(DataError, match=r"own has the classes a, b, of which .* knows none"):
        evaluate_labelled(
            checkpoint.name,
            Labelled("own", frame.assign(dx="a"), strange),
            tmp_path,
            root=checkpoint.parent,
        )


def test_the_command_writes_a_report(
    checkpoint: Path,
    splits: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["evaluate", "--model", checkpoint.name, "--root", str(checkpoint.parent)]
    words += ["--served", str(tmp_path / "served"), "--data", f"there={splits}"]
    assert run(monkeypatch, *words, "--out", str(tmp_path / "report")) == 0
    table = pd.read_csv(tmp_path / "report" / "models.csv")
    assert table[["model", "data"]].to_numpy().tolist() == [[checkpoint.name, "there"]]
    assert not (tmp_path / "report" / "differences.csv").exists()
    text = (tmp_path / "report" / "report.md").read_text()
    assert "## there (n = " in text
    assert "| balanced accuracy | " in text
    assert str(tmp_path) not in text
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(monkeypatch, *words[:5], "--data", str(empty)) != 0
    assert "holds neither index.csv nor test.csv" in capsys.readouterr().err


def test_models_are_held_against_each_other(
    checkpoint: Path,
    splits: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = tmp_path / "before" / checkpoint.name
    shutil.copytree(checkpoint, before)
    words = ["evaluate", "--model", f"{checkpoint.name},{before}", "--root", str(checkpoint.parent)]
    words += ["--served", str(tmp_path / "served"), "--data", f"there={splits}"]
    words += ["--out", str(tmp_path / "report")]
    assert run(monkeypatch, *words) != 0
    assert "two of the models have the same name and version" in capsys.readouterr().err
    card = json.loads((before / "card.json").read_text())
    version = card["version"]
    changed = {"version": "0", "temperature": 4 * card["temperature"]}  # less sure, same classes
    (before / "card.json").write_text(json.dumps(card | changed))
    assert run(monkeypatch, *words) == 0
    own = pd.read_csv(tmp_path / "report" / "models.csv").set_index("model")
    assert list(own.index) == [f"{checkpoint.name} {version}", f"{checkpoint.name} 0"]
    found = pd.read_csv(tmp_path / "report" / "differences.csv").set_index("metric")
    assert (found.difference["balanced_accuracy"], found.p["balanced_accuracy"]) == (0, 1)
    first, second = own["ece_15"]
    assert first != pytest.approx(second, abs=0.01)
    assert found.difference["ece_15"] == pytest.approx(first - second, abs=1e-4)
    assert found.low["ece_15"] <= found.difference["ece_15"] <= found.high["ece_15"]
    assert "Differences, row minus column" in (tmp_path / "report" / "report.md").read_text()
