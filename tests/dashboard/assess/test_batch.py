import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from Dashboard import __main__ as command
from Dashboard.assess.batch import assess_files
from Dashboard.assess.messages import CONSULT, NO_APPOINTMENT, RETAKE
from Dashboard.assess.rows import COLUMNS
from Dashboard.assess.service import Service
from Dashboard.assess.worth import clearance
from Dashboard.config import Config
from quality.output import write_csv

Assess = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, encode: Callable[..., bytes]) -> Path:
    """Three pictures, a damaged one and a text that is called one."""
    images = tmp_path / "images"
    images.mkdir()
    for kind in ("benign", "malignant", "pale"):
        (images / f"{kind}.png").write_bytes(encode(kind))
    (images / "half.jpg").write_bytes(encode("benign", ".jpg")[:5000])
    (images / "text.jpg").write_text("just text")
    (images / "notes.txt").write_text("not looked at")
    return images


@pytest.fixture
def assess(monkeypatch: pytest.MonkeyPatch, make_service: Callable[..., Service]) -> Assess:
    """The command, over the tests' checkpoints."""
    monkeypatch.setattr(command, "Service", lambda config: make_service(**vars(config)))
    monkeypatch.setenv("MODEL", "plain")

    def call(*arguments: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(command.app, ["assess", *map(str, arguments)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, " ".join(result.stderr.split())

    return call


def test_the_table(assess: Assess, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    code, out, err = assess(folder, "--csv", table)
    assert code == command.EXIT_SOME_FAILED  # two are no images
    assert out == ""
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == COLUMNS
    assert [Path(row["file"]).name for row in rows] == [
        "benign.png",
        "half.jpg",
        "malignant.png",
        "pale.png",
        "text.jpg",
    ]
    benign, half, malignant, pale, text = rows
    assert (benign["message"], benign["verdict"]) == (NO_APPOINTMENT, "no_appointment")
    assert (benign["code"], benign["prediction"]) == ("nv", "Melanocytic nevi")
    assert (benign["folder"], benign["quality"]) == (str(folder), "accept")
    assert benign["certainty"] == "clear"
    assert float(benign["probability"]) == float(benign["nv"]) == 0.8
    assert float(benign["p_malignant"]) == pytest.approx(0.09)
    assert benign["model"] == "plain"
    assert malignant["message"] == CONSULT
    assert (pale["message"], pale["prediction"], pale["nv"]) == (RETAKE, "", "")
    assert (pale["verdict"], pale["quality"], pale["certainty"]) == ("retake", "reject", "")
    assert "Contrast" in pale["notes"]
    assert (half["verdict"], text["verdict"]) == ("error", "error")
    assert "ends before its picture does" in half["error"]
    assert "2 could not be read" in err


def test_lines_without_a_table(assess: Assess, folder: Path) -> None:
    code, out, err = assess(folder / "benign.png", folder / "pale.png")
    assert code == 0
    first, second = out.splitlines()
    found = f"benign.png: {NO_APPOINTMENT} (Melanocytic nevi, 80%; malignant 9%)"
    assert first.endswith(f"{found}. {clearance(None)}")
    assert f"pale.png: {RETAKE}. Contrast" in second
    assert f"1 {RETAKE}" in err


def test_files_of_other_formats_are_counted_and_named(assess: Assess, folder: Path) -> None:
    for name in ("half.jpg", "text.jpg"):
        (folder / name).unlink()
    for name in ("a.doc", "b.svg"):
        (folder / name).touch()
    code, out, err = assess(folder)
    assert (code, len(out.splitlines())) == (0, 3)
    named = f"{folder / 'a.doc'}, {folder / 'b.svg'}"
    assert "2 files are no pictures by their content" in err
    assert f" and were left out: {named} " in err


def test_what_is_not_there_costs_no_other_image(
    assess: Assess, folder: Path, tmp_path: Path
) -> None:
    (folder / "day").symlink_to("gone")
    odd = folder / "caf\udce9.png"
    odd.write_bytes((folder / "benign.png").read_bytes())
    table = tmp_path / "table.csv"
    code, out, err = assess(folder / "gone", folder / "day", odd, "--csv", table)
    assert (code, out) == (command.EXIT_SOME_FAILED, "")
    gone, day, benign = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")))
    assert "No such file" in gone["error"]
    assert "No such file" in day["error"]
    assert f"{folder / 'day'}: It cannot be read: No such file" in err
    assert (benign["message"], Path(benign["file"]).name) == (NO_APPOINTMENT, "caf\\xe9.png")
    code, _, err = assess(folder)
    assert f"1 folder or link was not readable: {folder / 'day'} (No such file" in err
    assert code == command.EXIT_SOME_FAILED


def test_a_table_for_spreadsheet_programs(assess: Assess, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    assert assess(folder / "benign.png", "--csv", table, "--bom")[0] == 0
    assert table.read_bytes().startswith(b"\xef\xbb\xbffile,")


def test_another_model(assess: Assess, folder: Path) -> None:
    _, out, _ = assess(folder / "benign.png", "--model", "careful")
    assert CONSULT in out  # its operating point is lower


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{empty}"], "there is no image among the paths"),
        (["{image}", "--csv", "gone/table.csv"], "the folder of gone/table.csv does not exist"),
        (["{image}", "--model", "x"], "there is no checkpoint 'x'; the checkpoints are: careful"),
    ],
)
def test_wrong_use(
    assess: Assess, folder: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    filled = [text.format(empty=empty, image=folder / "benign.png") for text in arguments]
    code, out, err = assess(*filled)
    assert (code, out) == (command.EXIT_USAGE, "")
    assert sentence in err


def test_a_wrong_setting(assess: Assess, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE", "strict")
    code, _, err = assess(folder)
    assert code == command.EXIT_USAGE
    assert "GATE is 'strict'; it must be one of classic, normalised" in err


def test_rows_keep_their_order_with_many_at_a_time(
    make_service: Callable[..., Service], folder: Path
) -> None:
    files = [folder / name for name in ("benign.png", "pale.png", "text.jpg", "malignant.png")] * 5
    rows = list(assess_files(make_service(), files, jobs=4))
    assert [row["file"] for row in rows] == [str(file) for file in files]


def test_what_nobody_foresaw_costs_one_row(
    make_service: Callable[..., Service], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service()
    assess_image, turns = service.assess_image, iter((False, True))

    def failing(*given: object, **more: object) -> object:
        if next(turns):
            raise RuntimeError("no such kernel")
        return assess_image(*given, **more)

    monkeypatch.setattr(service, "assess_image", failing)
    first, second = assess_files(service, [folder / "benign.png"] * 2, jobs=1)
    assert (first["verdict"], second["verdict"]) == ("no_appointment", "error")
    assert second["error"] == "It could not be processed (RuntimeError: no such kernel)."


def test_the_limits_hold_for_files(make_service: Callable[..., Service], folder: Path) -> None:
    service = make_service(**vars(Config(model="plain", max_megapixels=0.1)))
    (row,) = assess_files(service, [folder / "benign.png"], jobs=1)
    assert "pixels" in row["error"]


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("before")
    with pytest.raises(ValueError, match="dict contains fields"):
        write_csv(table, COLUMNS, [dict.fromkeys(COLUMNS, ""), {"unknown": 1}])
    assert table.read_text() == "before"
    assert list(tmp_path.iterdir()) == [table]
