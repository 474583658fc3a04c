import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.evaluation.scores import (
    Predictions,
    age_band,
    breakdown,
    by_name,
    groups_of,
    metric_rows,
)
from retraining.metrics.metrics import softmax

RNG = np.random.default_rng(9)
N = 300
FRAME = pd.DataFrame(
    {
        "image_id": [f"i{i}" for i in range(N)],
        "lesion_id": [f"l{i // 2}" for i in range(N)],
        "dx": RNG.choice(HAM10000.codes, N),
        "age": RNG.choice(["", "25.0", "30.0", "80.0"], N),
        "sex": RNG.choice(["male", "female", ""], N),
        "localization": RNG.choice(["back", "face"], N),
    }
)
LABELS = np.array([HAM10000.index(code) for code in FRAME.dx])
LOGITS = RNG.normal(size=(N, 7)) + 2 * np.eye(7)[LABELS]
FREQUENCIES = np.array([0.03, 0.05, 0.11, 0.01, 0.11, 0.67, 0.02])


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return Predictions(FRAME, LOGITS, HAM10000, 1.5, threshold=0.3, frequencies=FREQUENCIES)


@pytest.fixture(scope="module")
def rows(predictions: Predictions) -> dict:
    return by_name(metric_rows(predictions, "test", 50), "test")


def test_metrics_of_predictions(predictions: Predictions, rows: dict) -> None:
    probabilities = softmax(LOGITS, 1.5)
    malignant = np.isin(LABELS, HAM10000.malignant_indices)
    p_malignant = probabilities[:, list(HAM10000.malignant_indices)].sum(1)
    called = np.isin(probabilities.argmax(1), HAM10000.malignant_indices)
    consulted = called | (p_malignant >= 0.3)
    natural = probabilities * FREQUENCIES
    natural /= natural.sum(1, keepdims=True)
    even = 1 / np.bincount(LABELS)[LABELS]
    expected = {
        "balanced_accuracy": reference.balanced_accuracy_score(LABELS, probabilities.argmax(1)),
        "macro_auc": reference.roc_auc_score(LABELS, probabilities, multi_class="ovr"),
        "auc_mel": reference.roc_auc_score(LABELS == 4, probabilities[:, 4]),
        "malignant_auc": reference.roc_auc_score(malignant, p_malignant),
        "malignant_average_precision": reference.average_precision_score(malignant, p_malignant),
        "malignant_f1": reference.f1_score(malignant, called),
        "malignant_sensitivity_at_threshold": reference.recall_score(malignant, consulted),
        "malignant_specificity_at_threshold": reference.recall_score(~malignant, ~consulted),
        "malignant_precision_at_threshold": reference.precision_score(malignant, consulted),
        "log_loss": reference.log_loss(LABELS, probabilities, sample_weight=even),
        "log_loss_uncalibrated": reference.log_loss(LABELS, softmax(LOGITS), sample_weight=even),
        "log_loss_natural": reference.log_loss(LABELS, natural),
        "brier_natural": reference.brier_score_loss(LABELS, natural, scale_by_half=False),
    }
    for name, value in expected.items():
        assert rows[name]["value"] == pytest.approx(value, rel=0, abs=1e-9), name
    for row in rows.values():
        assert row["low"] <= row["value"] + 0.2
        assert (row["split"], row["n"]) == ("test", N)


def test_an_evenly_resampled_set_weighs_classes_alike(predictions: Predictions) -> None:
    found = by_name(metric_rows(predictions, "val_resampled", 20, even=True), "val_resampled")
    assert found["accuracy"]["value"] == pytest.approx(found["balanced_accuracy"]["value"])
    even = 1 / np.bincount(LABELS)[LABELS]
    expected = reference.f1_score(
        LABELS, predictions.predicted, average="macro", sample_weight=even
    )
    assert found["macro_f1"]["value"] == pytest.approx(expected, rel=0, abs=1e-9)


def test_a_breakdown_scores_each_group_alone(predictions: Predictions) -> None:
    found = breakdown(predictions, "test", 30)
    assert [entry["group"] for entry in found if entry["by"] == "age"] == [
        "under 30",
        "30 to 44",
        "75 and over",
        "unknown",
    ]
    for by in ("age", "sex", "localization"):
        assert sum(entry["n"] for entry in found if entry["by"] == by) == N
    women = next(entry for entry in found if entry["group"] == "female")
    rows = np.flatnonzero(FRAME.sex == "female")
    assert women["malignant"] == predictions.malignant[rows].sum()
    assert women["metrics"]["accuracy"]["value"] == pytest.approx(
        reference.accuracy_score(LABELS[rows], predictions.predicted[rows])
    )


def test_ages_and_missing_columns() -> None:
    assert [age_band(v) for v in (0, 29.9, "30.0", 74, 75.0, "", "x")] == [
        "under 30", "under 30", "30 to 44", "60 to 74", "75 and over", "unknown", "unknown"
    ]  # fmt: skip
    assert list(groups_of(FRAME[["image_id"]])) == []


def test_classes_of_ones_own_without_malignant_ones() -> None:
    taxonomy = Taxonomy(("a", "b"), ("A", "B"), frozenset())
    frame = pd.DataFrame({"image_id": ["1", "2"], "lesion_id": ["1", "2"], "dx": ["a", "b"]})
    found = by_name(metric_rows(Predictions(frame, np.eye(2), taxonomy), "test", 5), "test")
    assert found["accuracy"]["value"] == 1
    assert not any(name.startswith("malignant") for name in found)


def test_logits_of_another_shape() -> None:
    with pytest.raises(ValueError, match="logits must be"):
        Predictions(FRAME, LOGITS[:, :6], HAM10000)
