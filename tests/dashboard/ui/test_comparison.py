"""The shipped comparison on the Models page: there, not there, damaged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.assess.worth import in_words
from Dashboard.ui.models import shipped_comparison as comparison
from Dashboard.ui.models.card_details import card_details
from Dashboard.ui.models.comparison import scored_on, side_by_side
from Dashboard.ui.models.in_force import (
    at_point,
    groups_in_force,
    metrics_in_force,
    predictive_in_force,
)
from Dashboard.ui.models.shipped_comparison import load_comparison, load_figure, with_evaluations
from models.checkpoint.card import available, load_card, locate
from models.checkpoint.evaluation import ModelEvaluation, load_evaluation
from models.checkpoint.provenance import Provenance
from tests.dashboard.comparisons import write_comparison
from tests.dashboard.conftest import model_info, point
from tests.dashboard.drawing import update
from tests.dashboard.ui.test_components import walk, words


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    return write_comparison(tmp_path)


def table(view: Any, title: str) -> str:
    return words(next(part for part in walk(view) if getattr(part, "aria-label", None) == title))


def test_tables_say_who_scored_what(shipped: Path) -> None:
    found = load_comparison()
    assert found is not None
    view = side_by_side(found, ["plain", "elsewhere"], [0.95])
    shown = table(view, "Seven classes")
    assert "Model AUC Accuracy Precision Recall F1" in shown
    assert "plain 0.900 0.880 to 0.920" in shown
    assert "elsewhere (its training split is not known) 0.900" in shown
    shown = table(view, "Malignant or benign, operating point for 95%")
    assert "Sensitivity Specificity Precision F1" in shown
    assert "22.4 9.5 140 10 cuda: a card a processor, bf16" in table(view, "Cost")
    assert "test split (2,004 images)" in scored_on(found)
    assert "elsewhere" not in words(side_by_side(found, ["plain"], [0.95]))
    assert side_by_side(found, [], []) == []


def test_figures_have_plain_names_and_leave_experiments_out(shipped: Path) -> None:
    found = load_comparison()
    assert found is not None
    curve = load_figure(found, "roc_malignant", ["plain"])
    assert curve is not None
    assert [trace["name"] for trace in curve["data"]] == ["roc_malignant"]
    assert load_figure(found, "../models", ["plain"]) is None
    found.models[0]["backbone"], found.models[0]["recipe"] = "resnet18", "linear_probe"
    trace = {"x": [1, 2], "y": ["plain", "elsewhere"], "error_x": {"array": [3, 4]}}
    hidden = {"name": "elsewhere (0.9)", "x": [0]}
    figure = {"data": [trace, hidden], "layout": {"height": 9}}
    (shipped / "figures" / "intervals.json").write_text(json.dumps(figure))
    drawn = load_figure(found, "intervals", ["plain"])
    assert drawn == {
        "data": [
            {"x": [1], "y": ["ResNet-18, linear probe"], "error_x": {"array": [3]}},
            {"name": "elsewhere (0.9)", "x": [0], "visible": "legendonly"},
        ],
        "layout": {},
    }


def test_a_figure_is_sent_once_it_is_seen(shipped: Path, client: FlaskClient) -> None:
    def ask(seen: Any, task: Any) -> Any:
        inputs = {
            "models-curves-seen": ("data", seen),
            "models-curves-choice": ("value", task),
        }
        outputs = {"models-curves": "children"}
        return update(client, outputs, inputs, changed="models-curves-seen.data")

    answer = ask(True, "mel").get_json()["response"]["models-curves"]["children"]
    assert [graph["type"] for graph in answer] == ["Graph", "Graph"]
    assert "x of roc_mel" in str(answer[0])
    assert ask(None, "mel").status_code == 204
    for nothing in ("none", "../models", [], None):
        assert ask(True, nothing).get_json()["response"]["models-curves"]["children"] == []


def test_without_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path / "none")
    assert load_comparison() is None


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
    info = model_info(point(0.2))
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
    shown = words(card_details(info, plain, evaluation, origin))
    for part in (
        "For professionals.",
        "Teachers other 2",
        in_words(point(0.2)),
        "0.040 (0.030 to 0.060) with all classes weighing the same, 0.050 without the temperature "
        "(exact probabilities would show 0.024 to 0.061 on so few images)",
        # of the point in force, not of the evaluation's own
        "10.0% 0.272 0.242 to 0.295 0.986 0.978 to 0.991",
        "Sex: female 945 160 0.90 0.80 to 0.95",
    ):
        assert part in shown
    assert "Consultation from" not in words(
        card_details(model_info(None), plain, evaluation, origin)
    )


@pytest.mark.parametrize(("place", "target"), [(0, 0.95), (1, 0.90)])
def test_figures_are_of_the_operating_point_in_force(place: int, target: float) -> None:
    card = load_card(locate("resnext50_32x4d"))
    evaluation = load_evaluation(locate("resnext50_32x4d"))
    chosen = card.operating_points[place]
    assert chosen["target_sensitivity"] == target
    info = replace(
        model_info(chosen), operating_points=card.operating_points, metrics=evaluation.metrics
    )
    test = {m["metric"]: m for m in metrics_in_force(info) if m["split"] == "test"}
    for name in ("sensitivity", "specificity"):
        shown = test[f"malignant_{name}_at_threshold"]["value"]
        assert shown == pytest.approx(chosen["test"][name], abs=1e-5)
    values = predictive_in_force(info, evaluation.predictive_values)
    if place == 0:  # what the evaluation has by itself
        own = [one for one in evaluation.predictive_values if one["rule"] == "threshold"]
        for mine, measured in zip(values, own, strict=True):
            for which in ("positive", "negative"):
                assert mine[which] == pytest.approx(measured[which], abs=1e-4)
        precision = test["malignant_precision_at_threshold"]["value"]
        (derived,) = (m for m in at_point(chosen) if "precision" in m["metric"])
        assert derived["value"] == pytest.approx(precision, abs=1e-4)
    else:
        splits = {m["split"] for m in metrics_in_force(info) if "at_threshold" in m["metric"]}
        assert splits == {"test"}
        groups = groups_in_force(info, evaluation.breakdowns)
        assert not any("at_threshold" in name for group in groups for name in group["metrics"])


def test_without_an_operating_point_the_class_alone_counts() -> None:
    evaluation = load_evaluation(locate("resnext50_32x4d"))
    info = replace(model_info(None), metrics=evaluation.metrics)
    assert not any("at_threshold" in metric["metric"] for metric in metrics_in_force(info))
    values = predictive_in_force(info, evaluation.predictive_values)
    assert {value["rule"] for value in values} == {"argmax"}


def test_a_model_that_can_be_chosen_has_the_figures_of_its_card(shipped: Path) -> None:
    found = load_comparison()
    assert found is not None
    name = "malignant_sensitivity_at_threshold"
    mine = {"metric": name, "split": "test", "n": 2004, "value": 0.905, "low": 0.86, "high": 0.94}
    for other in ({"n": 100}, {"split": "val"}, {"metric": "unknown"}):
        other_image = with_evaluations(found, {"plain": [mine | other]}).models[0]
        assert name not in other_image["metrics"]["test"]  # at its point the card alone speaks
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
