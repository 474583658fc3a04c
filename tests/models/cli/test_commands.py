"""`python -m models`: what it writes, where, and how it ends."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

import quality
from models.__main__ import app
from models.cli import exporting
from models.cli.listing import checkpoint_rows, headlines, metric_line, to_dict
from models.inference.classifier import Classifier, Prediction
from models.registry.backbones import BACKBONES
from models.registry.taxonomy import HAM10000

pytestmark = pytest.mark.torch
COLUMNS = (
    "file,code,prediction,akiec,bcc,bkl,df,mel,nv,vasc,p_malignant,in_distribution,model,error"
)


@pytest.fixture(autouse=True)
def environment(tiny: Path, tiny_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model is the one of MODEL, and is exported."""
    monkeypatch.setenv("CACHE_DIR", str(tiny_cache))
    monkeypatch.setenv("MODEL", str(tiny))


@pytest.fixture
def folder(tmp_path: Path, pictures: list[NDArray[np.uint8]]) -> Path:
    """Two pictures, one of them in a folder below, and a text."""
    inside = tmp_path / "in" / "deeper"
    inside.mkdir(parents=True)
    for path, picture in ((inside.parent / "a.png", pictures[0]), (inside / "b.bmp", pictures[1])):
        cv2.imwrite(str(path), picture[:, :, ::-1])
    (inside.parent / "notes.txt").write_text("not a picture")
    return inside.parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_of_a_folder(
    folder: Path, tmp_path: Path, tiny: Path, pictures: list[NDArray[np.uint8]]
) -> None:
    out = tmp_path / "out.csv"
    result = run("predict", folder, "--csv", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_text(encoding="utf-8").splitlines()[0] == COLUMNS
    rows = table(out)
    assert [row["file"] for row in rows] == [str(folder / "a.png"), str(folder / "deeper/b.bmp")]
    expected = Classifier(tiny).predict(pictures[:2])
    for row, prediction in zip(rows, expected, strict=True):
        got = {code: float(row[code]) for code in HAM10000.codes}
        assert got == pytest.approx(prediction.probabilities, abs=1e-6)
        assert (row["code"], row["prediction"]) == (prediction.code, prediction.name)
        assert float(row["p_malignant"]) == pytest.approx(prediction.p_malignant, abs=1e-6)
        assert row["model"] == "tiny"
    assert list(tmp_path.glob(".out*")) == []


def test_what_is_no_picture_of_skin_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_one = Classifier.predict_one
    outside = lambda *given: replace(predict_one(*given), in_distribution=False)  # noqa: E731
    monkeypatch.setattr(Classifier, "predict_one", outside)
    said = "unlike the pictures that the model learnt from: the class may mean nothing"
    assert [line.endswith(f"%; {said}") for line in run("predict", folder).stdout.splitlines()] == [
        True, True,
    ]  # fmt: skip
    result = run("predict", folder, "--csv", tmp_path / "out.csv")
    assert (result.exit_code, result.stderr.count(said)) == (0, 2)
    rows = json.loads(run("predict", folder, "--json").stdout)
    assert [row["in_distribution"] for row in rows] == [False, False]


def test_unreadable_files_are_named_and_keep_an_empty_row(folder: Path, tmp_path: Path) -> None:
    (folder / "c.jpg").write_bytes(b"")
    out = tmp_path / "out.csv"
    missing = folder / "missing.jpg"
    result = run("predict", folder, folder / "notes.txt", missing, "--csv", out)
    assert result.exit_code == 1
    assert f"{folder / 'c.jpg'}: The file is empty" in result.stderr
    assert f"{folder / 'notes.txt'}: The file is" in result.stderr
    assert f"{missing}: It cannot be read: No such file" in result.stderr
    assert "3 of 5 files could not be read" in result.stderr
    rows = {Path(row["file"]).name: row for row in table(out)}
    assert list(rows) == ["a.png", "c.jpg", "b.bmp", "notes.txt", "missing.jpg"]
    unread = [name for name, row in rows.items() if row["code"] == ""]
    assert unread == ["c.jpg", "notes.txt", "missing.jpg"]
    assert rows["c.jpg"]["error"].startswith("The file is empty")
    assert set(rows["c.jpg"].values()) - {rows["c.jpg"]["error"]} == {
        str(folder / "c.jpg"), "", "tiny",
    }  # fmt: skip


def test_files_of_other_kinds_are_counted_and_named(folder: Path) -> None:
    for name in ("a.doc", "b.svg"):
        (folder / name).touch()
    result = run("predict", folder)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    (line,) = result.stderr.splitlines()
    assert line.startswith("2 files are no pictures by their content")
    assert line.endswith(f" and were left out: {folder / 'a.doc'}, {folder / 'b.svg'}")


def test_a_name_that_is_no_text_is_kept(folder: Path, tmp_path: Path) -> None:
    """Names on disk are bytes; Python stands surrogates in for those that are no UTF-8."""
    odd = folder / "na\udce4vus.png"
    odd.write_bytes((folder / "a.png").read_bytes())
    out = tmp_path / "out.csv"
    assert run("predict", odd, "--csv", out).exit_code == 0
    assert table(out)[0]["file"].endswith("na\\xe4vus.png")
    assert "na\\xe4vus.png: " in run("predict", odd).stdout
    (row,) = json.loads(run("predict", odd, "--json").stdout)
    assert row["file"] == str(odd)


def test_an_interrupt_keeps_what_is_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_one, done = Classifier.predict_one, iter((True, False))

    def interrupted(*given: object) -> Prediction:
        if not next(done):
            raise KeyboardInterrupt
        return predict_one(*given)

    monkeypatch.setattr(Classifier, "predict_one", interrupted)
    result = run("predict", folder, "--jobs", 1, "--json", "--csv", tmp_path / "out.csv")
    assert result.exit_code == 130
    assert "what is done, 1 rows, is in" in result.stderr
    (row,) = table(tmp_path / "out.partial.csv")
    (same,) = json.loads(result.stdout)
    assert row["file"] == same["file"] == str(folder / "a.png")


def test_json_on_standard_output(folder: Path) -> None:
    (folder / "c.jpg").write_bytes(b"GIF89a")
    result = run("predict", folder, "--json", "--jobs", 1)
    assert result.exit_code == 1
    first, second, third = json.loads(result.stdout)
    assert list(first) == COLUMNS.split(",")
    assert sum(first[code] for code in HAM10000.codes) == pytest.approx(1, abs=1e-5)
    assert first["error"] is None
    assert (second["code"], second["nv"]) == (None, None)
    assert "accepted" in second["error"]
    assert HAM10000.name(third["code"]) == third["prediction"]


def test_a_line_for_each_file(folder: Path) -> None:
    result = run("predict", folder / "a.png")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{folder / 'a.png'}: ")
    assert line.endswith("%")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{empty}"], "there is no image among the paths"),
        (["{folder}", "--csv", "{folder}/no/out.csv"], "--csv: the folder of"),
        (["{folder}", "--model", "resnet99"], "there is no checkpoint 'resnet99'"),
        (["{folder}", "--jobs", "0"], "or equal to 1"),
        ([], "Missing argument"),
    ],
)
def test_wrong_use(folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    filled = [text.format(folder=folder, empty=tmp_path / "empty") for text in arguments]
    result = run("predict", *filled)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_model_that_is_not_exported_is_exported_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    result = run("predict", folder / "a.png")
    assert result.exit_code == 0
    assert "for serving" in result.stderr
    assert run("predict", folder / "a.png").stderr == ""


def test_without_torch_the_message_names_the_command(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda _name: None)
    result = run("predict", folder / "a.png")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "python -m models export" in result.stderr


def test_export_says_where(tiny: Path, tiny_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("export", tiny)
    (folder,) = tiny_cache.iterdir()
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tiny}: {folder}\n", "")
    monkeypatch.setattr(exporting, "available", lambda: [])
    for arguments in ([], ["--all"]):  # what MODEL names counts among all
        assert run("export", *arguments).stdout == f"{tiny}: {folder}\n"
    monkeypatch.delenv("MODEL")
    nothing = run("export")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing to export" in nothing.stderr


def test_export_of_what_is_not_there() -> None:
    result = run("export", "resnet99")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no checkpoint 'resnet99'" in result.stderr


def test_list_for_people_and_for_programs() -> None:
    shown = run("list")
    assert shown.exit_code == 0
    assert "efficientnet_lite0" in shown.stdout
    listed = json.loads(run("list", "--json").stdout)
    assert {entry["name"] for entry in listed["backbones"]} == set(BACKBONES)
    assert isinstance(listed["checkpoints"], list)


def test_what_is_listed_of_a_checkpoint(tiny: Path, tiny_cache: Path) -> None:
    (row,) = checkpoint_rows(tiny.parent)
    assert (row["name"], row["version"], row["input"]) == ("tiny (resnet18)", "1.2.3", "64")
    assert (row["metrics"], row["prepared"]) == ("none", "yes")
    (entry,) = to_dict(tiny.parent)["checkpoints"]
    (export,) = tiny_cache.iterdir()
    assert entry["export"] == str(export)
    assert entry["card"]["temperature"] == 2.0


def test_a_row_has_the_headlines_of_the_test_split() -> None:
    metrics = [
        {"metric": name, "split": split, "n": 9, "value": 0.5, "low": 0.4, "high": 0.6}
        for split in ("val", "test")
        for name in ("macro_auc", "sensitivity_mel", "balanced_accuracy")
    ]
    shown = [metric_line(metric) for metric in headlines(metrics)]
    assert shown == [
        "macro_auc 0.500 (0.400-0.600), test, n=9",
        "balanced_accuracy 0.500 (0.400-0.600), test, n=9",
    ]
    assert headlines(metrics[:1]) == metrics[:1]


def test_a_checkpoint_that_is_not_understood_is_listed_with_the_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "card.json").write_text("{")
    (broken / "model.safetensors").write_bytes(b"")
    (row,) = checkpoint_rows(tmp_path)
    assert "cannot be used" in row["metrics"]
    (entry,) = to_dict(tmp_path)["checkpoints"]
    assert "is not JSON" in entry["error"]


def test_a_metric_as_text() -> None:
    metric = {"metric": "macro_auc", "split": "test", "n": 2003, "value": 0.91234}
    assert metric_line(metric) == "macro_auc 0.912, test, n=2003"
    bounds = {"low": 0.9, "high": 0.925}
    assert metric_line(metric | bounds) == "macro_auc 0.912 (0.900-0.925), test, n=2003"


def test_test_time_augmentation(folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--tta` and TTA=1 are the classifier's own averaging."""
    (row,) = json.loads(run("predict", folder / "a.png", "--json", "--tta").stdout)
    expected = Classifier(tiny, tta=True).predict_one(quality.read(folder / "a.png"))
    assert {code: row[code] for code in HAM10000.codes} == pytest.approx(
        expected.probabilities, abs=2e-6
    )
    monkeypatch.setenv("TTA", "1")
    (same,) = json.loads(run("predict", folder / "a.png", "--json").stdout)
    assert same == row
