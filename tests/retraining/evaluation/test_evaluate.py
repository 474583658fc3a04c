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

from sklearn import metrics as reference

from models.inference.classifier import Classifier
from models.inference.views import set_upright
from models.registry.backbones import build_network, get_backbone
from models.registry.taxonomy import HAM10000
from quality import read
from retraining.data.splits import load_split, write_split
from retraining.evaluation.cost import load_cost, measure_cost
from retraining.evaluation.evaluate import evaluate_model, evaluate_run
from retraining.evaluation.evaluation_folder import load_evaluation, load_predictions
from retraining.evaluation.scores import by_name
from retraining.metrics.metrics import macro_auc, softmax
from retraining.publishing.publish import promote_run
from retraining.reports.compare import caveats, load_entries
from retraining.training.networks import predict_logits
from retraining.training.run_folder import load_trained


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
    ("split", "message"), [("holdout", "split must be one of train, val, test, got 'holdout'")]
)
def test_a_split_that_is_not_there(run: Path, tmp_path: Path, split: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_run(run, split, tmp_path)


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
    manifest = write_split({**parts, "test": test}, splits.parent, source, "source")
    (run / "split.json").write_text(json.dumps(manifest))
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


def test_the_served_form_scores_as_the_run_did(
    root: Path, evaluated: Path, splits: Path, cache: Path, tmp_path: Path
) -> None:
    found = evaluate_model("colours", splits, "test", tmp_path, root=root, resamples=5)
    served, trained = load_predictions(tmp_path, "test"), load_predictions(evaluated, "test")
    # float16 weights and, where the processor has it, bfloat16 arithmetic; and pictures are set
    # upright, to which this network was not trained to be blind.
    assert np.corrcoef(served.logits.ravel(), trained.logits.ravel())[0, 1] > 0.98
    network, config, _ = load_trained(evaluated)
    preprocessing = get_backbone(config.backbone).preprocessing(
        load_evaluation(evaluated).input_size
    )
    upright = [set_upright(read(Path(path)))[0] for path in load_split(splits)["test"].path]
    squares = np.stack([preprocessing.resize(picture) for picture in upright])
    logits = predict_logits(network, squares, preprocessing)
    assert np.corrcoef(served.logits.ravel(), logits.ravel())[0, 1] > 0.999
    probabilities = softmax(logits, load_evaluation(tmp_path).temperature)
    assert by_name(found, "test")["macro_auc"]["value"] == pytest.approx(
        macro_auc(trained.labels, probabilities), abs=0.05
    )
    assert load_evaluation(tmp_path).form.startswith("served")
    classifier = Classifier("colours", root=root)
    first = read(Path(load_split(splits)["test"].path[0]))
    assert classifier.predict_one(first).p_malignant == pytest.approx(
        served.p_malignant[0], abs=1e-4
    )
    evaluate_model("colours", splits, "val", tmp_path, root=root, tta=True, resamples=5)
    assert not (tmp_path / "predictions_test.csv").exists()  # they were of another form


def test_what_was_learnt_besides_does_not_part_models_that_are_judged_alike(
    root: Path, evaluated: Path, splits: Path, tmp_path: Path
) -> None:
    parts = load_split(splits)
    for changed in ("train", "test"):
        split, out = tmp_path / f"less {changed}", tmp_path / changed
        write_split({**parts, changed: parts[changed][1:]}, splits.parent, split)
        evaluate_model("colours", split, "test", out, root=root, resamples=5)
    assert caveats(load_entries([evaluated, tmp_path / "train"])) == {}
    with pytest.raises(ValueError, match="it may have learnt some of these images"):
        load_entries([tmp_path / "test"])


def test_what_a_run_and_its_served_form_cost(
    root: Path,
    evaluated: Path,
    splits: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retraining.evaluation.cost.BATCH", 2)
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
