"""Comparisons of models whose predictions are drawn: no network, no image."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from models.registry.taxonomy import HAM10000
from retraining.evaluation.evaluation_folder import Evaluation, load_predictions, write_scores
from retraining.reports.compare import (
    PAIRED,
    caveats,
    compare_pairs,
    load_entries,
    locate_evaluation,
)
from retraining.reports.published import PUBLISHED, load_published
from retraining.reports.report import write_report

KIB = 1024
N = 240
RNG = np.random.default_rng(8)
FRAME = pd.DataFrame(
    {
        "image_id": [f"i{i:04d}" for i in range(N)],
        "lesion_id": [f"l{i // 2}" for i in range(N)],
        "dx": RNG.choice(HAM10000.codes, N),
        "age": RNG.choice(["", "30.0", "80.0"], N),
        "sex": RNG.choice(["male", "female"], N),
        "localization": "back",
        "dx_type": "histo",
    }
)
TRUTH = np.eye(7)[[HAM10000.index(code) for code in FRAME.dx]]
HOSTILE = '<b>"| </script>'


def evaluated(folder: Path, name: str, skill: float, **changes: object) -> Path:
    """An evaluation folder of a model that is the better, the higher `skill` is."""
    fields = {
        "model": name,
        "backbone": "resnet18",
        "recipe": "scratch",
        "form": "trained",
        "input_size": 64,
        "temperature": 1.2,
        "operating_point": {"threshold": 0.3, "target_sensitivity": 0.95},
        "chosen_on": "val",
        "split": "s" * 64,
        "trained_on": "s" * 64,
        "weights": name,
        "taxonomy": HAM10000.to_dict(),
        "frequencies": dict.fromkeys(HAM10000.codes, 1 / 7),
    }
    evaluation = Evaluation(**(fields | changes))  # type: ignore[arg-type]
    logits = np.random.default_rng(1).normal(size=(N, 7)) + skill * TRUTH
    order = np.random.default_rng(len(name)).permutation(N)
    frame = FRAME.iloc[order].reset_index(drop=True)
    for part in ("val", "test"):
        write_scores(folder, evaluation, part, frame, logits[order], resamples=20)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    found = [
        evaluated(root / "weak", "weak", 0.8),
        evaluated(root / "strong", "strong", 2.0),
        evaluated(root / "odd", HOSTILE, 1.0),
    ]
    cost = {
        "parameters": 11_000_000, "gmacs": 1.8, "file_mb": 22.4, "latency_ms": 9.5,
        "images_per_second": 140.0, "precision": "bf16", "processor": "a processor", "cores": 2,
        "training_seconds": 600.0, "training_epochs": 5, "training_device": "cpu",
        "weights": "strong",
    }  # fmt: skip
    (root / "strong" / "cost.json").write_text(json.dumps(cost))
    return found


@pytest.fixture(scope="module")
def report(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    (out / "figures").mkdir()
    (out / "figures" / "confusion_9.json").write_text("{}")
    entries = load_entries(folders)
    others = [dict.fromkeys(PUBLISHED, "0.9") | {"table": "7-class", "protocol": "their own"}]
    write_report(entries, compare_pairs(entries, 100), out, command="compare x", published=others)
    return out


def test_the_best_model_comes_first(folders: list[Path]) -> None:
    assert [entry.name for entry in load_entries(folders)] == ["strong", HOSTILE, "weak"]


def test_the_csv_file_has_the_columns_of_the_contract(report: Path, folders: list[Path]) -> None:
    with (report / "models.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["model", "backbone", "recipe", "split", "n"]
    names = list(rows[0])
    for metric in ("macro_auc", "balanced_accuracy", "malignant_f1", "sensitivity_mel", "brier"):
        place = names.index(metric)
        assert names[place + 1 : place + 3] == [f"{metric}_low", f"{metric}_high"]
    strong = rows[0]
    predictions = load_predictions(folders[1], "test")
    assert (strong["model"], strong["split"], strong["n"]) == ("strong", "test", str(N))
    assert float(strong["balanced_accuracy"]) == pytest.approx(
        reference.balanced_accuracy_score(predictions.labels, predictions.predicted), abs=1e-5
    )
    assert float(strong["latency_ms"]) == 9.5
    assert rows[2]["latency_ms"] == ""


def test_pairs_are_aligned_by_image(folders: list[Path]) -> None:
    entries = load_entries(folders)
    pairs = {(p["a"], p["b"], p["metric"]): p for p in compare_pairs(entries, 200)}
    assert len(pairs) == 3 * len(PAIRED)
    found = pairs["strong", "weak", "balanced_accuracy"]
    assert found["difference"] == pytest.approx(
        entries[0].value("balanced_accuracy")["value"]
        - entries[2].value("balanced_accuracy")["value"],
        abs=1e-4,
    )
    assert 0 < found["low"] < found["difference"] < found["high"]
    assert found["p"] == pytest.approx(1 / 200)


def test_markdown_has_the_tables_of_the_field(report: Path) -> None:
    text = (report / "report.md").read_text()
    head = "| Model | AUC | Accuracy | Precision | Recall | F1 | Chosen on | Scored on | n |"
    assert text.count(head) == 4  # two shapes, each on test and on the evenly resampled val
    assert "| val | test | 240 |" in text
    assert "| 10 | cpu | bf16 |" in text
    assert "published by others" in text
    assert re.search(r"\| strong \| 0\.\d{3} \(0\.\d{3}–[01]\.\d{3}\)", text)
    assert "\\|" in text
    widths = {}
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths[block[:40]] = {
            len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().splitlines()
        }
    assert all(len(width) == 1 for width in widths.values()), widths


def test_files_are_small_and_figures_complete(report: Path) -> None:
    data = json.loads((report / "models.json").read_text())
    assert {path.stem for path in (report / "figures").glob("*.json")} == set(data["figures"])
    assert {"intervals", "cost", "roc_malignant", "pr_mel", "confusion_0", "reliability_2",
            "groups_1"} <= set(data["figures"])  # fmt: skip
    for path in report.rglob("*"):
        if path.is_file() and path.name != "index.html":
            assert path.stat().st_size < 256 * KIB, path
    for path in (report / "figures").glob("*.json"):
        figure = json.loads(path.read_text())
        assert figure["data"]
        assert "layout" not in figure["layout"]["template"]


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else(report: Path) -> None:
    text = (report / "index.html").read_text()
    page = Page()
    page.feed(text)
    assert page.addresses == []
    assert page.tags.count("script") == 3
    assert "b" not in page.tags
    assert "{{" not in text.split("<script>")[0]


@pytest.mark.browser
def test_the_page_draws_and_sorts_from_a_file(report: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda r: seen.append(r.url) if r.url.startswith("http") else None)
    page.goto((report / "index.html").as_uri())
    page.locator("#figure-roc .main-svg").first.wait_for()
    assert page.locator(".js-plotly-plot").count() >= 7
    page.select_option("#choice-model", "2")
    assert page.locator('[data-of="choice-model"][data-value="2"]').is_visible()
    table = page.locator("table", has_text="Scored on").first
    table.get_by_role("button", name="Accuracy").click()
    first = table.locator("tbody tr td:first-child").first
    assert first.inner_text() == "strong"
    table.get_by_role("button", name="Accuracy").click()
    assert first.inner_text() == "weak"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert seen == []
    page.close()


def test_another_split_is_refused_or_named(folders: list[Path], tmp_path: Path) -> None:
    other = evaluated(tmp_path / "other", "other", 1.0, split="t" * 64, trained_on="t" * 64)
    with pytest.raises(ValueError, match="cannot be compared: scored on another split"):
        load_entries([*folders, other])
    leaky = evaluated(tmp_path / "leaky", "leaky", 1.0, trained_on="t" * 64)
    with pytest.raises(ValueError, match="leaky cannot be compared: trained on another split"):
        load_entries([leaky])
    more = {"judged": "j" * 64, "kept_out": "j" * 64}  # learnt further pictures, not these
    wider = evaluated(tmp_path / "wider", "wider", 1.0, trained_on="t" * 64, **more)
    own = evaluated(tmp_path / "own", "own", 1.0, split="t" * 64, trained_on="t" * 64, **more)
    assert caveats(load_entries([wider, own])) == {}
    entries = load_entries([*folders, leaky], any_split=True)
    assert list(caveats(entries)) == ["leaky"]
    write_report(entries, [], tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "test (trained on another split: it may have learnt some of these images)" in text


def test_equal_names_are_told_apart(folders: list[Path], tmp_path: Path) -> None:
    twin = evaluated(tmp_path / "b" / "strong", "strong", 2.0)
    assert sorted(e.name for e in load_entries([folders[1], twin])) == ["b/strong", "strong"]


def test_nothing_to_compare(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(ValueError, match="was not evaluated; run `python -m retraining evaluate"):
        locate_evaluation(str(tmp_path / "run"), tmp_path)
    with pytest.raises(ValueError, match="no run folder or checkpoint 'nothing'"):
        locate_evaluation("nothing", tmp_path)
    with pytest.raises(ValueError, match="at least one"):
        load_entries([])


def test_a_split_that_was_not_scored(folders: list[Path]) -> None:
    with pytest.raises(ValueError, match="evaluate --split holdout"):
        load_entries(folders, "holdout")


def test_tables_of_others(tmp_path: Path) -> None:
    path = tmp_path / "others.csv"
    path.write_text("table,model,auc\n7-class,x,0.9\n")
    with pytest.raises(ValueError, match="lacks the columns accuracy, precision"):
        load_published(path)
    path.write_text(",".join(PUBLISHED) + "\n3-class,x,,,,,,\n")
    with pytest.raises(ValueError, match="7-class or 2-class, got '3-class'"):
        load_published(path)
    path.write_text(",".join(PUBLISHED) + "\n7-class,x,0.9,,,,,val\n")
    assert load_published(path)[0]["auc"] == "0.9"
