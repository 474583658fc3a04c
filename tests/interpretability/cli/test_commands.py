"""`python -m interpretability`: what it writes, and how it ends."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch")

from interpretability import __main__ as commands
from interpretability.faithfulness.randomisation import fails
from interpretability.faithfulness.report import interval
from interpretability.faithfulness.scoring import sample
from interpretability.methods import METHODS
from quality.arrays import RGBImage

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def environment(tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_DIR", str(cache))
    monkeypatch.setenv("MODEL", str(tiny))


@pytest.fixture
def file(tmp_path: Path, picture: RGBImage) -> Path:
    """A picture that the gate accepts."""
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(commands.app, [str(argument) for argument in arguments])


def test_explain_writes_picture_and_map(file: Path, tmp_path: Path, picture: RGBImage) -> None:
    out, raw = tmp_path / "o.png", tmp_path / "o.npy"
    found = run("explain", file, "--out", out, "--raw", raw, "--method", "saliency")
    assert (found.exit_code, found.stdout[:10]) == (0, "saliency: ")
    assert "Expected: about" in found.stderr
    assert cv2.imread(str(out)).shape == picture.shape
    values = np.load(raw)
    assert (values.shape, values.dtype) == (picture.shape[:2], np.float32)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "o.npy", "o.png"]


@pytest.mark.parametrize("style", ["contours", "side-by-side"])
def test_styles(style: str, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.png"
    assert run("explain", file, "--out", out, "--style", style).exit_code == 0
    assert cv2.imread(str(out)) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "grad"], "unknown method 'grad'. Did you mean 'gradcam'?"),
        (["--precision", "low"], "the precisions are Low, Medium, High"),
        (["--target", "melanoma"], "unknown class 'melanoma'; the classes are akiec"),
        (["--style", "film"], "the styles are heatmap, contours, side-by-side"),
        (["--opacity", "7"], "--opacity must be from 0 to 1, got 7"),
        (["--set", "steps"], "--set takes NAME=NUMBER, got 'steps'"),
        (["--set", "steps=3"], "gradcam has no parameter 'steps'; it has: none"),
        (["--model", "nowhere"], "there is no checkpoint 'nowhere'"),
        (["--raw", "absent/o.npy"], "--raw: the folder of absent/o.npy does not exist"),
        (["--method", "lime", "--method", "gradcam"], "--style side-by-side only"),
    ],
)
def test_wrong_use_is_one_sentence(
    arguments: list[str], message: str, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.png"
    found = run("explain", file, "--out", out, *arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert not out.exists()


def test_the_picture_itself_is_not_written_over(file: Path) -> None:
    before = file.read_bytes()
    found = run("explain", file, "--out", file)
    assert (found.exit_code, file.read_bytes()) == (2, before)
    assert "--out: " in found.stderr
    assert "is the picture itself" in found.stderr


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    found = run("explain", tmp_path / "a\nb.png", "--out", tmp_path / "o.png")
    assert found.exit_code == 2
    assert found.stderr.endswith("a\\nb.png: It cannot be read: No such file or directory.\n")


def test_what_the_gate_rejects_is_explained_on_request(tmp_path: Path, picture: RGBImage) -> None:
    blurred, out = tmp_path / "b.png", tmp_path / "o.png"
    cv2.imwrite(str(blurred), cv2.GaussianBlur(picture, (0, 0), 12)[..., ::-1])
    found = run("explain", blurred, "--out", out)
    assert found.exit_code == 2
    assert "Please retake your image" in found.stderr
    assert not out.exists()
    assert run("explain", blurred, "--out", out, "--no-gate").exit_code == 0
    assert out.exists()
    text = tmp_path / "t.png"
    text.write_text("no picture")
    assert "Traceback" not in run("explain", text, "--out", out).stderr


def test_methods_lists_the_table() -> None:
    found = run("methods")
    assert found.exit_code == 0
    assert all(name in found.stdout for name in ("gradcam", "lime", "all but"))


@pytest.fixture
def split(tmp_path: Path, picture: RGBImage) -> Path:
    """Three lesions with masks; one lesion has two pictures. Paths start at the file's folder."""
    rows = []
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[20:60, 30:70] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    for index, lesion in enumerate(("l1", "l2", "l2", "l3")):
        name = f"p{index}.png"
        cv2.imwrite(str(tmp_path / name), np.roll(picture, index, axis=1))
        rows.append(f"p{index},{name},nv,{lesion},mask.png")
    path = tmp_path / "test.csv"
    path.write_text("image_id,path,dx,lesion_id,mask\n" + "\n".join(rows) + "\n")
    return path


def test_score_writes_tables_and_a_page_and_goes_on(split: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ("score", "--split", split, "--out", out, "--methods", "gradcam,saliency",
             "--costly", 1, "--examples", 1)  # fmt: skip
    assert run(*given, "--n", 1).exit_code == 0
    first = (out / "scores.csv").read_text()
    assert run(*given, "--n", 3).exit_code == 0
    assert (out / "scores.csv").read_text().startswith(first)  # what was finished is kept
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["gradcam", "saliency"] * 3
    assert len({row["lesion_id"] for row in rows}) == 3
    for row in rows:
        assert float(row["mask_share"]) == pytest.approx(40 * 40 / (90 * 120), abs=1e-3)
        assert 0 <= float(row["inside"]) <= 1 or row["inside"] == "nan"
        assert 0 <= float(row["infidelity"]) <= 1.001
        assert float(row["deletion_best"]) <= float(row["deletion"])
        assert float(row["insertion_best"]) >= float(row["insertion"])
    assert [row["sensitivity"] != "" for row in rows] == [True] * 2 + [False] * 4
    page = (out / "index.html").read_text()
    assert page.count("<img") == 1
    assert "src='http" not in page
    assert "gradcam" in (out / "summary.md").read_text()
    assert "base64" not in (out / "summary.md").read_text()
    assert (out / "summary.csv").read_text().startswith("method,measure,n,value,low,high\n")
    assert json.loads((out / "settings.json").read_text())["precision"] == "Low"
    other = run(*given, "--n", 1, "--precision", "High")
    assert (other.exit_code, "scores of other settings" in other.stderr) == (2, True)


def test_several_processes_score_alike(split: Path, tmp_path: Path) -> None:
    found = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        given = ("--methods", "gradcam", "--costly", 1, "--examples", 0, "--out", out)
        done = run("score", "--split", split, "--n", 3, "--processes", processes, *given)
        assert done.exit_code == 0
        with (out / "scores.csv").open(newline="") as file:
            found.append(list(csv.DictReader(file)))
    for one, other in zip(*found, strict=True):
        assert one["image_id"] == other["image_id"]
        for name in ("deletion", "insertion", "inside"):
            assert float(one[name]) == pytest.approx(float(other[name]), abs=2e-3)


def test_the_same_lesions_for_a_seed(split: Path) -> None:
    names = [one.lesion_id for one in sample(split, 3, 1)]
    assert names == [one.lesion_id for one in sample(split, 3, 1)]
    assert sorted(names) == ["l1", "l2", "l3"]
    with pytest.raises(ValueError, match="n must be from 1 to the 3 lesions"):
        sample(split, 4)


def test_score_refuses_what_is_no_split(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    found = run("score", "--split", path, "--n", 1, "--out", tmp_path / "o")
    assert (found.exit_code, "is no split" in found.stderr) == (2, True)


def test_interval_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = interval([*values, float("nan")])
    half = 1.96 * values.std(ddof=1) / 20
    assert found.n == 400
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_methods_are_marked_as_the_reports_measured_them() -> None:
    """By the report of the default model, and by a transformer's what that cannot be asked for."""
    reports = Path(__file__).resolve().parents[3] / "reports" / "explanations"
    measured: dict[str, float] = {}
    for report in (reports / "vit_small_patch14_dinov2" / "summary.csv", reports / "summary.csv"):
        with report.open(newline="") as file:
            measured |= {
                row["method"]: float(row["value"])
                for row in csv.DictReader(file)
                if row["measure"] == "randomisation"
            }
    assert {name: fails(value) for name, value in measured.items()} == {
        name: method.fails_randomisation for name, method in METHODS.items()
    }
