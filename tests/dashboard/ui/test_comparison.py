"""The shipped comparison on the Models page: there, not there, damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.assess.worth import in_words
from Dashboard.ui.models import shipped_comparison as comparison
from Dashboard.ui.models.card_details import card_details
from Dashboard.ui.models.comparison import comparison_view
from Dashboard.ui.models.shipped_comparison import load_comparison, with_evaluations
from models.checkpoint.card import available, load_card, locate
from models.checkpoint.evaluation import ModelEvaluation, load_evaluation
from models.checkpoint.provenance import Provenance
from tests.dashboard.comparisons import write_comparison
from tests.dashboard.conftest import point
from tests.dashboard.ui.test_components import walk, words


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    return write_comparison(tmp_path)


def table(view: Any, title: str) -> Any:
    return next(
        part for part in walk(view) if getattr(part, "aria-label", None) == title
    )  # the region around the table


def test_both_tables_say_who_chose_and_who_scored(shipped: Path) -> None:
    found = load_comparison()
    assert found is not None
    view = comparison_view(found, ["plain"])
    shown = words(table(view, "Seven classes"))
    assert "Model AUC Accuracy Precision Recall F1 Chosen on Scored on" in shown
    assert "plain In use 0.900 (0.880 to 0.920)" in shown
    assert "elsewhere 0.900" in shown
    assert "val test (its training split is not known)" in shown
    shown = words(table(view, "Malignant or benign, operating point"))
    assert "Sensitivity Specificity Precision F1" in shown
    assert "22.4 9.5 140 10 cuda: a card a processor, bf16" in words(table(view, "Cost"))
    graphs = [part.id for part in walk(view) if type(part).__name__ == "Graph"]
    assert graphs == [
        "graph-intervals", "graph-roc", "graph-pr", "graph-confusion", "graph-reliability",
        "graph-cost",
    ]  # fmt: skip


def test_figures_are_served_by_name(shipped: Path, client: FlaskClient) -> None:
    with client.get("/comparison/roc_malignant.json") as response:
        assert response.status_code == 200
        assert response.get_json()["data"]
    for name in ("roc_nothing", "..%2fmodels", "models"):
        assert client.get(f"/comparison/{name}.json").status_code == 404


def test_without_a_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: FlaskClient
) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path / "none")
    assert load_comparison() is None
    assert client.get("/comparison/roc_malignant.json").status_code == 404


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", "{}", '{"format": 99}', '{"format": 1, "split": "test", "models": [{}],'
     ' "caveats": {}, "figures": []}'],
)  # fmt: skip
def test_a_damaged_comparison_is_left_out(
    shipped: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    (shipped / "models.json").write_text(damage)
    assert load_comparison() is None
    assert "is not shown" in caplog.text


def test_a_comparison_of_retraining_is_understood(tmp_path: Path) -> None:
    report = pytest.importorskip("retraining.reports.report")
    assert comparison.FORMAT == report.FORMAT
    assert comparison.FIGURES == report.FIGURES


def test_the_committed_comparison_is_understood() -> None:
    if not (comparison.FOLDER / comparison.FILE).is_file():
        pytest.skip("no comparison is committed")
    found = load_comparison()
    assert found is not None
    for name in found.figures:
        assert json.loads((comparison.FOLDER / "figures" / f"{name}.json").read_text())["data"]


def test_a_card_beyond_its_metrics(checkpoints: Path) -> None:
    value = {"value": 0.9, "low": 0.8, "high": 0.95}
    plain = load_card(checkpoints / "plain")
    evaluation = ModelEvaluation(
        intended_use="For professionals.",
        calibration={
            "test": {
                "ece_15": {"value": 0.04, "low": 0.03, "high": 0.06},
                "ece_15_uncalibrated": {"value": 0.05, "low": 0.04, "high": 0.07},
            },
            "test_if_exact": {"ece_15": {"mean": 0.041, "low": 0.024, "high": 0.061}},
        },
        predictive_values=[
            {"rule": "threshold", "split": "test", "prevalence": 0.1, "positive": value,
             "negative": {"value": None, "low": None, "high": None}},
        ],
        breakdowns=[
            {"by": "sex", "group": "female", "split": "test", "n": 945, "lesions": 700,
             "malignant": 160, "metrics": {"malignant_auc": value}},
        ],
    )  # fmt: skip
    origin = Provenance(teachers=["other 2"])
    shown = words(card_details(plain, evaluation, origin, point(0.2)))
    for part in (
        "For professionals.",
        "Teachers other 2",
        in_words(point(0.2)),
        "0.040 (0.030 to 0.060) with all classes weighing the same, 0.050 without the temperature "
        "(exact probabilities would show 0.024 to 0.061 on so few images)",
        "10.0% operating point 0.90 (0.80 to 0.95) –",
        "Sex: female 945 160 – 0.90 (0.80 to 0.95) – –",
    ):
        assert part in shown
    assert "Consultation from" not in words(card_details(plain, evaluation, origin))


def test_a_model_that_can_be_chosen_has_the_figures_of_its_card(shipped: Path) -> None:
    found = load_comparison()
    assert found is not None
    name = "malignant_sensitivity_at_threshold"
    mine = {"metric": name, "split": "test", "n": 2004, "value": 0.905, "low": 0.86, "high": 0.94}
    for other in ({"n": 100}, {"split": "val"}, {"metric": "unknown"}):
        assert with_evaluations(found, {"plain": [mine | other]}) == found
    plain, elsewhere = with_evaluations(found, {"plain": [mine]}).models
    assert plain["metrics"]["test"][name] == {"value": 0.905, "low": 0.86, "high": 0.94}
    assert plain["metrics"]["test"]["accuracy"]["value"] == 0.95
    assert elsewhere == found.models[1]


def test_one_figure_stands_for_one_model() -> None:
    """The shipped models: on the card, in the evaluation, in the comparison and on Compare."""
    found = load_comparison()
    shown = {} if found is None else {
        model["model"]: model["metrics"][found.split]
        for model in with_evaluations(
            found, {name: load_evaluation(locate(name)).metrics for name in available()}
        ).models
    }  # fmt: skip
    for name in available():
        card, evaluation = load_card(locate(name)), load_evaluation(locate(name))
        for measure in ("sensitivity", "specificity"):
            metric = f"malignant_{measure}_at_threshold"
            value = evaluation.on("test")[metric]["value"]
            figures = [row["value"] for row in card.metrics if row["metric"] == metric]
            figures += [shown[name][metric]["value"]] if name in shown else []
            measured = (card.operating_point or {}).get("test")
            figures += [measured[measure]] if measured else []
            assert figures == pytest.approx([value] * len(figures), abs=1e-5), (name, measure)
