"""A checkpoint holds what was measured, and is refreshed without its run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from sklearn import metrics as reference

from models.checkpoint import evaluation as evaluations
from models.checkpoint.card import available, load_card
from models.checkpoint.provenance import load_provenance
from models.checkpoint.weights import load_network
from models.errors import CheckpointError
from models.registry.backbones import build_network
from models.registry.taxonomy import HAM10000
from retraining.data.splits import load_split, write_split
from retraining.evaluation.cost import measure_cost
from retraining.evaluation.evaluate import evaluate_model, evaluate_run
from retraining.evaluation.evaluation_folder import load_evaluation, load_predictions
from retraining.evaluation.scores import by_name
from retraining.publishing.ensemble import make_ensemble
from retraining.publishing.publish import promote_run, refresh_card, refresh_text
from retraining.training.config import Stage, TrainConfig
from retraining.training.run_folder import load_trained
from retraining.training.train import train


def test_the_card_holds_what_was_measured(root: Path, evaluated: Path) -> None:
    folder = root / "colours"
    card, measured = load_card(folder), evaluations.load_evaluation(folder)
    evaluation = load_evaluation(evaluated)
    assert card.temperature == evaluation.temperature
    assert card.operating_point is not None
    assert card.operating_point.items() >= evaluation.operating_point.items()
    assert [one["target_sensitivity"] for one in card.operating_points] == [0.95, 0.9, 0.98]
    assert {row["split"] for row in measured.metrics} == {"test", "val", "val_resampled"}
    test = by_name(measured.metrics, "test")
    for suffix in ("", "_at_threshold"):
        for name in ("sensitivity", "specificity", "precision", "f1", "accuracy"):
            assert {"value", "low", "high"} <= set(test[f"malignant_{name}{suffix}"])
    assert {entry["by"] for entry in measured.breakdowns} == {
        "sex",
        "age",
        "localization",
        "skin_tone",
        "dx_type",
    }
    prevalences = {entry["prevalence"] for entry in measured.predictive_values}
    assert prevalences == {0.02, 0.05, 0.1, 0.2}
    for entry in measured.predictive_values:
        suffix = "_at_threshold" if entry["rule"] == "threshold" else ""
        sensitivity = test[f"malignant_sensitivity{suffix}"]["value"]
        specificity = test[f"malignant_specificity{suffix}"]["value"]
        share = entry["prevalence"]
        called = sensitivity * share + (1 - specificity) * (1 - share)
        expected = sensitivity * share / called if called else None
        assert entry["positive"]["value"] == pytest.approx(expected)
    assert measured.calibration["test"]["ece_15"]["value"] == test["ece_15"]["value"]
    assert card.metrics == measured.headlines()
    provenance = load_provenance(folder)
    assert provenance.training["config"]["backbone"] == "resnet18"
    assert provenance.reproducible.startswith("Yes: ")
    assert provenance.lineage == {}
    for file in folder.glob("*.json"):
        assert str(evaluated) not in file.read_text()


def test_another_sensitivity_moves_the_threshold(evaluated: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(evaluated, tmp_path / "run"))
    table = pd.read_csv(run / "predictions_val.csv")
    logits = [f"logit_{code}" for code in HAM10000.codes]
    # As trained, colours are told apart without an error.
    known = np.stack([table.dx == code for code in HAM10000.codes], axis=1)
    table[logits] = np.random.default_rng(0).normal(1.5 * known, 1)
    table.to_csv(run / "predictions_val.csv", index=False)
    points = []
    for sensitivity in (0.99, 0.1):
        folder = promote_run(run, tmp_path / "weights", "noisy", sensitivity, resamples=5)
        point = load_card(folder).operating_point
        assert point["target_sensitivity"] == sensitivity <= point["sensitivity"]
        assert load_evaluation(run).operating_point.items() <= point.items()
        points.append(point)
    assert points[0]["threshold"] < points[1]["threshold"]
    assert points[0]["specificity"] < points[1]["specificity"]


def test_a_card_is_refreshed_without_the_run(
    root: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    bare = root / "colours" / "card.json"
    before = json.loads(bare.read_text())
    made = refresh_card("colours", splits, root=root, out=tmp_path, sensitivity=0.9, resamples=5)
    assert made == tmp_path / "colours"
    assert json.loads(bare.read_text()) == before
    assert available(tmp_path) == ["colours"]
    card = load_card(made)
    assert card.operating_point["target_sensitivity"] == 0.9
    assert card.operating_point["sensitivity"] >= 0.9
    assert card.temperature == pytest.approx(before["temperature"], rel=0.1)
    assert card.weights_sha256 == before["weights_sha256"]
    assert load_provenance(made) == load_provenance(root / "colours")


def test_the_text_is_refreshed_from_the_scores(root: Path, splits: Path, tmp_path: Path) -> None:
    own = tmp_path / "weights"
    folder = Path(shutil.copytree(root / "colours", own / "colours"))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    measured = json.loads(files["evaluation.json"])
    (folder / "evaluation.json").write_text(json.dumps(measured | {"limits": ["old"]}))
    (folder / "README.md").write_text("old")
    assert refresh_text("colours", splits, root=own) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    (folder / "evaluation.json").write_text(json.dumps(measured | {"metrics": []}))
    with pytest.raises(ValueError, match="colours has no scores on test"):
        refresh_text("colours", splits, root=own)


def test_a_card_is_not_refreshed_with_another_split(
    root: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    parts = load_split(splits)
    write_split({**parts, "test": parts["test"][1:]}, splits.parent, tmp_path / "other")
    with pytest.raises(ValueError, match="is not the split that colours was trained on"):
        refresh_card("colours", tmp_path / "other", root=root)


def test_a_card_is_refreshed_with_another_train_beside_the_same_val_and_test(
    root: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    parts = load_split(splits)
    write_split({**parts, "train": parts["train"][1:]}, splits.parent, tmp_path / "other")
    made = refresh_card("colours", tmp_path / "other", root=root, out=tmp_path, resamples=5)
    assert load_provenance(made) == load_provenance(root / "colours")
    assert evaluations.load_evaluation(made).on("test").keys()


def test_the_evaluation_says_what_other_thresholds_would_give(root: Path, evaluated: Path) -> None:
    test = load_predictions(evaluated, "test")
    curve = evaluations.load_evaluation(root / "colours").operating_curve
    assert curve is not None
    assert (curve["split"], curve["n"]) == ("test", len(test))
    assert curve["threshold"] == sorted(curve["threshold"])
    for threshold, sensitivity, specificity in zip(
        curve["threshold"], curve["sensitivity"], curve["specificity"], strict=True
    ):
        calls = test.called | (test.p_malignant >= threshold)
        assert sensitivity == pytest.approx(reference.recall_score(test.malignant, calls), abs=1e-5)
        assert specificity == pytest.approx(
            reference.recall_score(~test.malignant, ~calls), abs=1e-5
        )


def test_a_last_layer_is_scored_and_promoted_alone(splits: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        backbone="resnet18",
        weights="none",
        splits=str(splits),
        stages=(Stage(size=32, epochs=2),),
        batch_size=15,
        freeze="backbone",
        recipe="last_layer",
    )
    run = train(config, tmp_path / "run", tmp_path / "cache")
    evaluate_run(run, "test", tmp_path / "cache", size=32, resamples=5)
    assert load_evaluation(run).recipe == "last_layer"
    folder = promote_run(run, tmp_path / "weights", resamples=5)
    assert folder.name == "resnet18"
    assert (folder / "model.safetensors").stat().st_size < 20_000
    network, card = load_network(folder)
    assert card.backbone_weights
    summary = load_provenance(folder).training["summary"]
    assert "last layer trained from random weights" in summary
    expected, _, _ = load_trained(run)
    batch = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(batch), expected(batch), atol=5e-3, rtol=5e-3)


def test_an_ensemble_is_calibrated_scored_and_measured(
    evaluated: Path, splits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retraining.evaluation.cost.BATCH", 2)
    root, out = tmp_path / "weights", tmp_path / "served"
    for name in ("one", "two"):
        promote_run(evaluated, root, name, resamples=5)
    version = load_card(make_ensemble(["one", "two"], root=root)).version
    card = load_card(refresh_card("ensemble", splits, root=root, resamples=5))
    assert (card.version, card.members) == (version, ["one", "two"])
    assert card.operating_point["sensitivity"] >= 0.95
    evaluate_model("ensemble", splits, "test", out, root=root, resamples=5)
    evaluation = load_evaluation(out)
    assert (evaluation.recipe, evaluation.threshold) == (
        "ensemble",
        card.operating_point["threshold"],
    )
    whole = sum(p.numel() for p in build_network("resnet18", 7).parameters())
    assert measure_cost(out, root=root, repeats=2)["parameters"] == 2 * whole


def test_an_ensemble_is_made_again_of_what_lies_in_its_own_folder(
    evaluated: Path, tmp_path: Path
) -> None:
    root = tmp_path / "weights"
    promote_run(evaluated, root, "one", resamples=5)
    copied = promote_run(evaluated, tmp_path / "elsewhere", "two", resamples=5)
    make_ensemble(["one", copied], root=root)
    again = make_ensemble(["one", "two"], root=root, weights=[0.25, 0.75])
    assert "probabilities of 25% one, 75% two, each" in load_card(again).description
    assert load_card(again).members == ["one", "two"]
    assert (again / "two" / "model.safetensors").is_file()
    origin = load_provenance(again)
    assert origin.reproducible == "Yes: by `python -m retraining ensemble` of its members."
    assert origin.collections == load_provenance(copied).collections
    with pytest.raises(CheckpointError, match="no checkpoint 'three'"):
        make_ensemble(["one", "three"], root=root)
