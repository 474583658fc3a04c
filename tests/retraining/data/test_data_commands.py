"""The commands from data to splits, as they are typed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from retraining.__main__ import main
from retraining.data.index import load_index
from retraining.data.prepare import prepare
from retraining.data.splits import load_split, read_manifest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare(archives, folder)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; returns its exit status, output and errors."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["retraining", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        said = capsys.readouterr()
        return int(caught.value.code or 0), said.out, said.err

    return call


def test_prepare_tells_the_classes(run: Run, archives: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for file in archives.iterdir():
        (tmp_path / "in" / file.name).symlink_to(file)
    (tmp_path / "in" / "notes.txt").touch()
    status, out, err = run("prepare", tmp_path / "in", "--out", tmp_path / "out")
    assert status == 0
    assert "140 images, 70 lesions, 140 masks; classes akiec, bcc, bkl" in out
    assert "1 entries are ignored as none of what is read, the first is notes.txt" in err


@pytest.mark.parametrize(("flag", "malignant"), [("mel,nv", ["mel", "nv"]), ("none", [])])
def test_the_malignant_set_is_a_flag(
    flag: str, malignant: list[str], run: Run, archives: Path, tmp_path: Path
) -> None:
    names = "mel=Black one,nv=Mole"
    assert (
        run("prepare", archives, "--out", tmp_path, "--malignant", flag, "--names", names)[0] == 0
    )
    taxonomy = json.loads((tmp_path / "taxonomy.json").read_text())
    assert taxonomy["malignant"] == malignant
    assert taxonomy["names"][4:6] == ["Black one", "Mole"]


def test_per_class_warns_of_the_lesions_it_leaks(run: Run, data: Path, tmp_path: Path) -> None:
    status, _, err = run("split", "--data", data, "--out", tmp_path, "--scheme", "per-class")
    manifest = json.loads((tmp_path / "split.json").read_text())
    assert status == 0
    assert f"this split leaks: {manifest['lesions_leaked']} of 70 lesions" in err
    assert manifest["fractions"] == [0.8, 0.2]
    status, out, err = run("inspect", "--splits", tmp_path, "--counts-only")
    assert status == 1
    assert "are in two splits or more (L_0_" in err
    assert "akiec" in out


def test_kfold_makes_a_split_of_each_fold(run: Run, data: Path, tmp_path: Path) -> None:
    assert (
        run("split", "--data", data, "--out", tmp_path, "--scheme", "kfold", "--folds", 3)[0] == 0
    )
    folds = sorted(tmp_path.iterdir())
    assert [f.name for f in folds] == ["fold_0", "fold_1", "fold_2"]
    tested = pd.concat([load_split(f)["test"] for f in folds]).image_id
    assert len(tested) == tested.nunique() == 140
    assert json.loads((folds[2] / "split.json").read_text())["fold"] == 2


def test_source_makes_a_split_of_each_source(run: Run, data: Path, tmp_path: Path) -> None:
    index = load_index(data / "index.csv")
    number = index.lesion_id.str[-1].astype(int)
    index["dataset"] = ("clinic_" + number.mod(3).astype(str)).where(index.dx != "vasc", "clinic_0")
    index.loc[(index.dx == "vasc") & (number > 4), "dataset"] = "clinic_1"
    copy, out = tmp_path / "data", tmp_path / "out"
    copy.mkdir()
    shutil.copy(data / "taxonomy.json", copy)
    index.to_csv(copy / "index.csv", index=False)
    status, said, _ = run("split", "--data", copy, "--out", out, "--scheme", "source")
    assert status == 0
    sources = ["clinic_0", "clinic_1", "clinic_2"]
    assert sorted(path.name for path in out.iterdir()) == sources
    for source in sources:
        assert str(out / source) in said.replace("\n", "")
        frames = load_split(out / source)
        assert set(frames["test"].dataset) == {source}
        assert set(pd.concat([frames["train"], frames["val"]]).dataset) == {*sources} - {source}
        manifest = read_manifest(out / source)
        assert (manifest["scheme"], manifest["source"], manifest["seed"]) == ("source", source, 42)
        assert manifest["sources"] == sources
    assert "vasc" not in set(load_split(out / "clinic_2")["test"].dx)
    assert run("inspect", "--splits", out / "clinic_2", "--counts-only")[0] == 0


def test_inspect_lists_near_duplicates(run: Run, data: Path, tmp_path: Path) -> None:
    run("split", "--data", data, "--out", tmp_path / "split")
    near = tmp_path / "near.csv"
    status, out, _ = run("inspect", "--splits", tmp_path / "split", "--csv", near)
    assert status == 0
    assert f"{len(pd.read_csv(near))} pairs of pictures look the same" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--scheme", "random"],
            "scheme must be grouped, per-class, kfold, source, given, parts, like; got 'random'",
        ),
        (["--fractions", "a,b"], "fractions must be numbers separated by commas, got 'a,b'"),
        (["--fractions", "0.5"], "fractions must be two or three shares above 0 that sum to 1"),
        (["--scheme", "given"], "the data give no split of their own"),
        (["--scheme", "source"], "the metadata names no source: scheme source needs the column"),
        (["--scheme", "kfold", "--folds", "99"], "too few lesions: 70, for 99 folds"),
    ],
)
def test_what_cannot_be_split_is_one_sentence(
    words: list[str], message: str, run: Run, data: Path, tmp_path: Path
) -> None:
    status, _, err = run("split", "--data", data, "--out", tmp_path / "split", *words)
    assert status == 2
    assert err.startswith(f"error: {message}")
    assert not (tmp_path / "split").exists()
