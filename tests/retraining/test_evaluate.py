"""From a run to scores to a checkpoint, and from a checkpoint as it is served to scores."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from sklearn import metrics as reference  # noqa: E402

from models.backbones import build_network, get_backbone  # noqa: E402
from models.checkpoints import available, load_card, load_network  # noqa: E402
from models.classifier import Classifier  # noqa: E402
from models.taxonomy import HAM10000  # noqa: E402
from quality import read  # noqa: E402
from retraining.config import Stage, TrainConfig  # noqa: E402
from retraining.cost import load_cost, measure_cost  # noqa: E402
from retraining.data import pixels, prepare  # noqa: E402
from retraining.ensemble import make_ensemble  # noqa: E402
from retraining.evaluate import evaluate_model, evaluate_run  # noqa: E402
from retraining.evaluation import load_evaluation, load_predictions  # noqa: E402
from retraining.promote import promote_run, recard, reword  # noqa: E402
from retraining.runs import append_log, claim, load_trained  # noqa: E402
from retraining.scores import by_name, labels_of  # noqa: E402
from retraining.splits import grouped_split, load_split, write_split  # noqa: E402
from retraining.train import train  # noqa: E402

LOG = {"epoch": 1.0, "size": 32.0, "lr": 0.1, "loss": 1.0, "val_macro_auc": 0.5, "seconds": 1.0}


@pytest.fixture(scope="module")
def splits(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_split(grouped_split(prepare(archives, folder)), folder, folder / "split")
    return folder / "split"


@pytest.fixture(scope="module")
def run(splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as training leaves it, with random features and a head that fits them."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    folder.mkdir()
    config = TrainConfig(
        backbone="resnet18", weights="none", splits=str(splits), stages=(Stage(32, 1),)
    )
    claim(folder, config, load_split(splits))
    append_log(folder, 1, LOG)
    torch.manual_seed(0)
    network = build_network("resnet18", 7).eval()
    fit_head(network, load_split(splits)["train"], folder.parent / "cache")
    torch.save(network.state_dict(), folder / "best.pt")
    return folder


def fit_head(network: torch.nn.Module, train: pd.DataFrame, cache: Path) -> None:
    """Make the last layer a linear discriminant of what comes before it."""
    preprocessing = get_backbone("resnet18").preprocessing(32)
    batch = torch.from_numpy(preprocessing.normalise(pixels(train, Path(), 32, cache)))
    head, network.fc = network.fc, torch.nn.Identity()
    with torch.no_grad():
        features = network(batch)
        labels = torch.from_numpy(labels_of(train, HAM10000))
        means = torch.stack([features[labels == c].mean(0) for c in range(7)])
        spread = (features - means[labels]).var(0) + 1e-6
        scale = 0.05  # of the logits: few images, many features
        exact = scale * means / spread
        # Without this, colours would be told apart without an error.
        head.weight.copy_(exact + torch.randn_like(exact) * exact.std())
        head.bias.copy_(-scale / 2 * (means**2 / spread).sum(1))
    network.fc = head


@pytest.fixture(scope="module")
def evaluated(run: Path) -> Path:
    evaluate_run(run, "test", run.parent / "cache", size=32, resamples=20)
    return run


@pytest.fixture(scope="module")
def root(evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints with `colours`, promoted and exported."""
    folder = tmp_path_factory.mktemp("weights")
    promote_run(evaluated, folder, "colours", resamples=20)
    return folder


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp() / "exports"
    monkeypatch.setenv("CACHE_DIR", str(folder))
    return folder


def test_an_evaluation_leaves_everything_that_a_report_needs(evaluated: Path) -> None:
    names = {
        f"{kind}_{part}.{ending}"
        for kind, ending in (("metrics", "json"), ("breakdown", "json"), ("curves", "json"),
                             ("predictions", "csv"))
        for part in ("val", "test")
    } | {"evaluation.json", "metrics_val_resampled.json"}  # fmt: skip
    assert names <= {path.name for path in evaluated.iterdir()}
    for path in evaluated.glob("*.json"):
        assert "NaN" not in path.read_text()


def test_metrics_follow_from_the_predictions(evaluated: Path, splits: Path) -> None:
    table = pd.read_csv(evaluated / "predictions_test.csv")
    assert sorted(table.image_id) == sorted(load_split(splits)["test"].image_id)
    codes = list(HAM10000.codes)
    probabilities = table[codes].to_numpy()
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (table.prediction == np.array(codes)[probabilities.argmax(1)]).all()
    np.testing.assert_allclose(
        table.p_malignant, table[["akiec", "bcc", "mel"]].sum(axis=1), atol=1e-5
    )
    found = by_name(json.loads((evaluated / "metrics_test.json").read_text()), "test")
    assert found["accuracy"]["value"] == pytest.approx((table.prediction == table.dx).mean())
    assert found["balanced_accuracy"]["value"] == pytest.approx(
        reference.balanced_accuracy_score(table.dx, table.prediction)
    )
    predictions = load_predictions(evaluated, "test")
    np.testing.assert_allclose(predictions.probabilities, probabilities, atol=1e-6)
    curves = json.loads((evaluated / "curves_test.json").read_text())
    assert curves["confusion"] == reference.confusion_matrix(table.dx, table.prediction).tolist()


def test_val_alone_chooses(evaluated: Path) -> None:
    evaluation = load_evaluation(evaluated)
    val = load_predictions(evaluated, "val")
    assert evaluation.operating_point["split"] == evaluation.chosen_on == "val"
    assert evaluation.operating_point["n"] == len(val)
    consulted = val.called | (val.p_malignant >= evaluation.threshold)
    assert consulted[val.malignant].mean() == evaluation.operating_point["sensitivity"] >= 0.95


def test_scores_of_older_weights_do_not_stay(evaluated: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(evaluated, tmp_path / "run"))
    torch.manual_seed(1)
    torch.save(build_network("resnet18", 7).state_dict(), run / "best.pt")
    with pytest.raises(ValueError, match="trained further since its evaluation"):
        promote_run(run, tmp_path / "weights")
    evaluate_run(run, "val", tmp_path / "cache", size=32, resamples=5)
    assert not (run / "metrics_test.json").exists()
    with pytest.raises(ValueError, match="evaluate --split test"):
        promote_run(run, tmp_path / "weights")


@pytest.mark.parametrize(
    ("part", "message"), [("holdout", "split must be one of train, val, test, got 'holdout'")]
)
def test_a_part_that_is_not_there(run: Path, tmp_path: Path, part: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_run(run, part, tmp_path)


def test_another_split_than_the_run_was_trained_on(run: Path, splits: Path, tmp_path: Path) -> None:
    parts = load_split(splits)
    write_split({**parts, "test": parts["test"][1:]}, splits.parent, tmp_path / "other")
    with pytest.raises(ValueError, match="is not the split that"):
        evaluate_run(run, "test", tmp_path, splits=tmp_path / "other")


@pytest.mark.parametrize("absent", [{"vasc"}, {*HAM10000.codes} - {"nv"}])
def test_a_source_is_scored_by_the_classes_that_it_has(
    absent: set[str], evaluated: Path, splits: Path, tmp_path: Path
) -> None:
    run, source = Path(shutil.copytree(evaluated, tmp_path / "run")), tmp_path / "source"
    parts = load_split(splits)
    test = parts["test"][~parts["test"].dx.isin(absent)]
    passport = write_split({**parts, "test": test}, splits.parent, source, "source")
    (run / "split.json").write_text(json.dumps(passport))
    cache = evaluated.parent / "cache"
    rows = evaluate_run(run, "test", cache, size=32, resamples=5, splits=source)
    found = by_name(rows, "test")
    table = pd.read_csv(run / "predictions_test.csv")
    there = [code for code in HAM10000.codes if code not in absent]
    recalls = [(table.prediction[table.dx == code] == code).mean() for code in there]
    assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
    areas = [f"auc_{code}" for code in there] if len(there) > 1 else []
    assert sorted(name for name in found if name.startswith("auc_")) == areas
    assert ("malignant_auc" in found) == ("macro_auc" in found) == bool(areas)
    if areas:
        mean = np.mean([found[name]["value"] for name in areas])
        assert found["macro_auc"]["value"] == pytest.approx(mean)


def test_a_run_without_an_epoch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no finished epoch"):
        evaluate_run(tmp_path, "test", tmp_path)


def test_the_card_holds_what_was_measured(root: Path, evaluated: Path) -> None:
    card = load_card(root / "colours")
    evaluation = load_evaluation(evaluated)
    assert card.temperature == evaluation.temperature
    assert card.operating_point == evaluation.operating_point
    assert {row["split"] for row in card.metrics} == {"test", "val", "val_resampled"}
    test = by_name(card.metrics, "test")
    for suffix in ("", "_at_threshold"):
        for name in ("sensitivity", "specificity", "precision", "f1", "accuracy"):
            assert {"value", "low", "high"} <= set(test[f"malignant_{name}{suffix}"])
    assert {entry["by"] for entry in card.breakdowns} == {"sex", "age", "localization", "dx_type"}
    assert {entry["prevalence"] for entry in card.predictive_values} == {0.02, 0.05, 0.1, 0.2}
    for entry in card.predictive_values:
        suffix = "_at_threshold" if entry["rule"] == "threshold" else ""
        sensitivity = test[f"malignant_sensitivity{suffix}"]["value"]
        specificity = test[f"malignant_specificity{suffix}"]["value"]
        share = entry["prevalence"]
        called = sensitivity * share + (1 - specificity) * (1 - share)
        expected = sensitivity * share / called if called else None
        assert entry["positive"]["value"] == pytest.approx(expected)
    assert card.calibration["test"]["ece_15"]["value"] == test["ece_15"]["value"]
    assert any("promote" in line for line in card.repeat)
    text = (root / "colours" / "card.json").read_text()
    assert str(evaluated) not in text


def test_another_sensitivity_moves_the_threshold(evaluated: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(evaluated, tmp_path / "run"))
    table = pd.read_csv(run / "predictions_val.csv")
    logits = [f"logit_{code}" for code in HAM10000.codes]
    noise = np.random.default_rng(0).normal(0, 2 * table[logits].to_numpy().std(), (len(table), 7))
    table[logits] += noise  # without it, colours are told apart without an error
    table.to_csv(run / "predictions_val.csv", index=False)
    points = []
    for sensitivity in (0.99, 0.3):
        folder = promote_run(run, tmp_path / "weights", "noisy", sensitivity, resamples=5)
        point = load_card(folder).operating_point
        assert point["target_sensitivity"] == sensitivity <= point["sensitivity"]
        assert load_evaluation(run).operating_point == point
        points.append(point)
    assert points[0]["threshold"] < points[1]["threshold"]
    assert points[0]["specificity"] < points[1]["specificity"]


def test_the_served_form_scores_as_the_run_did(
    root: Path, evaluated: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    found = evaluate_model("colours", splits, "test", tmp_path, root=root, resamples=5)
    served, trained = load_predictions(tmp_path, "test"), load_predictions(evaluated, "test")
    # float16 weights and, where the processor has it, bfloat16 arithmetic.
    assert np.corrcoef(served.logits.ravel(), trained.logits.ravel())[0, 1] > 0.999
    expected = by_name(json.loads((evaluated / "metrics_test.json").read_text()), "test")
    assert by_name(found, "test")["macro_auc"]["value"] == pytest.approx(
        expected["macro_auc"]["value"], abs=0.05
    )
    assert load_evaluation(tmp_path).form.startswith("served")
    classifier = Classifier("colours", root=root)
    first = read(Path(load_split(splits)["test"].path[0]))
    assert classifier.predict_one(first).p_malignant == pytest.approx(
        served.p_malignant[0], abs=1e-4
    )


def test_a_card_is_made_anew_without_the_run(
    root: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    bare = root / "colours" / "card.json"
    before = json.loads(bare.read_text())
    made = recard("colours", splits, root=root, out=tmp_path, sensitivity=0.9, resamples=5)
    assert made == tmp_path / "colours"
    assert json.loads(bare.read_text()) == before
    assert available(tmp_path) == ["colours"]
    card = load_card(made)
    assert card.operating_point["target_sensitivity"] == 0.9
    assert card.operating_point["sensitivity"] >= 0.9
    assert card.temperature == pytest.approx(before["temperature"], rel=0.1)
    assert card.weights_sha256 == before["weights_sha256"]
    assert card.training == before["training"]


def test_the_words_of_a_card_come_from_its_scores(root: Path, splits: Path, tmp_path: Path) -> None:
    made = load_card(root / "colours")
    own = tmp_path / "weights"
    shutil.copytree(root / "colours", own / "colours")
    told = made.to_dict() | {"limits": ["old"], "repeat": [], "description": "old"}
    (own / "colours" / "card.json").write_text(json.dumps(told))
    reword("colours", splits, root=own)
    assert load_card(own / "colours") == made
    (own / "colours" / "card.json").write_text(json.dumps(told | {"metrics": []}))
    with pytest.raises(ValueError, match="the card of colours has no scores on test"):
        reword("colours", splits, root=own)


def test_a_card_is_not_made_from_another_split(
    root: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    parts = load_split(splits)
    write_split({**parts, "test": parts["test"][1:]}, splits.parent, tmp_path / "other")
    with pytest.raises(ValueError, match="is not the split that colours was trained on"):
        recard("colours", tmp_path / "other", root=root)


def test_what_a_run_and_its_served_form_cost(
    root: Path,
    evaluated: Path,
    splits: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retraining.cost.BATCH", 2)
    evaluate_model("colours", splits, "val", tmp_path, root=root, tta=True, resamples=5)
    whole = sum(p.numel() for p in build_network("resnet18", 7).parameters())
    run, served = (measure_cost(folder, root=root, repeats=2) for folder in (evaluated, tmp_path))
    assert run["parameters"] == served["parameters"] == whole
    assert run["file_mb"] == pytest.approx(2e-6 * whole, rel=0.02)  # float16
    # 1.82 GMACs at 224 pixels (He et al. 2016: 1.8), a 49th of it at 32.
    assert run["gmacs"] == pytest.approx(1.82 / 49, rel=0.1)
    assert served["gmacs"] == pytest.approx(load_evaluation(tmp_path).views * run["gmacs"])
    assert load_evaluation(tmp_path).model == f"colours ({load_evaluation(tmp_path).views} views)"
    for found in (run, served):
        assert found["latency_ms"] > 0
        assert found["images_per_second"] > 0
        assert found["training_seconds"] == 1
    evaluation = load_evaluation(evaluated)
    assert load_cost(evaluated, evaluation) == run
    assert load_cost(evaluated, replace(evaluation, weights="others")) == {}


def test_the_card_says_what_other_thresholds_would_give(root: Path, evaluated: Path) -> None:
    card = load_card(root / "colours")
    test = load_predictions(evaluated, "test")
    curve = card.operating_curve
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
        stages=(Stage(32, 2),),
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
    assert "last layer trained from random weights" in card.description
    expected, _, _ = load_trained(run)
    batch = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(batch), expected(batch), atol=5e-3, rtol=5e-3)


def test_an_ensemble_is_calibrated_scored_and_measured(
    evaluated: Path, splits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retraining.cost.BATCH", 2)
    root, out = tmp_path / "weights", tmp_path / "served"
    for name in ("one", "two"):
        promote_run(evaluated, root, name, resamples=5)
    version = load_card(make_ensemble(["one", "two"], root=root)).version
    card = load_card(recard("ensemble", splits, root=root, resamples=5))
    assert (card.version, card.members) == (version, ["one", "two"])
    assert card.operating_point["sensitivity"] >= 0.95
    assert card.repeat[0].startswith("python -m retraining ensemble one two")
    evaluate_model("ensemble", splits, "test", out, root=root, resamples=5)
    evaluation = load_evaluation(out)
    assert (evaluation.recipe, evaluation.threshold) == (
        "ensemble",
        card.operating_point["threshold"],
    )
    whole = sum(p.numel() for p in build_network("resnet18", 7).parameters())
    assert measure_cost(out, root=root, repeats=2)["parameters"] == 2 * whole
