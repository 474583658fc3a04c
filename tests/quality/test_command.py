"""`python -m quality`: the table, the files it cannot read, and how it ends."""

import contextlib
import csv
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import quality
from quality import batch
from quality.__main__ import app
from quality.batch import COLUMNS, Row, measure, measure_all
from quality.output import write_csv
from tests.quality.makers import picture, save
from tests.quality.test_gate import BLURRED, PALE, SHARP

CONTRACT = ("file", "width", "height", "laplacian_variance", "gamma", "brightness", "verdict")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures of which two are rejected, and two files that cannot be read."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "1 sharp.png").write_bytes(save(SHARP, "PNG"))
    (pictures / "2 blurred.png").write_bytes(save(BLURRED, "PNG"))
    (pictures / "3 pale.png").write_bytes(save(PALE, "PNG"))
    (pictures / "4 [red]text.jpg").write_text("not a picture")
    (pictures / "5 empty.jpg").touch()
    return pictures


def run(*arguments: object) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_begin_with_the_contract() -> None:
    assert COLUMNS[: len(CONTRACT) + 1] == (*CONTRACT, "reasons")


@pytest.mark.parametrize("jobs", [1, 3])
def test_csv_has_a_row_for_each_file(folder: Path, tmp_path: Path, jobs: int) -> None:
    out = tmp_path / "out.csv"
    result = run(folder, "--csv", out, "--jobs", jobs)
    assert result.exit_code == 1
    assert result.stdout == ""
    found = rows(out)
    assert [Path(row["file"]).name[0] for row in found] == list("12345")
    assert [row["verdict"] for row in found] == ["accept", "reject", "reject", "error", "error"]
    report = quality.check(BLURRED)
    assert float(found[1]["laplacian_variance"]) == report.laplacian_variance
    assert float(found[1]["gamma"]) == report.gamma
    assert float(found[1]["brightness"]) == report.brightness
    assert (found[1]["width"], found[1]["height"]) == ("600", "450")
    assert found[0]["reasons"] == found[0]["notes"] == ""
    assert found[1]["reasons"] == report.reasons[0]
    assert found[3]["width"] == found[3]["gamma"] == ""
    assert found[3]["reasons"].startswith("The file is a text file; JPEG")
    assert found[4]["reasons"].startswith("The file is empty")
    assert set(tmp_path.iterdir()) == {folder, out}


def test_a_missing_path_has_a_row_too(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    result = run(folder / "nowhere.jpg", folder / "1 sharp.png", "--csv", out)
    assert result.exit_code == 1
    missing, sharp = rows(out)
    assert missing["verdict"] == "error"
    assert "No such file" in missing["reasons"]
    assert sharp["verdict"] == "accept"


def test_rejected_pictures_are_no_error(folder: Path) -> None:
    result = run(folder / "2 blurred.png", folder / "3 pale.png")
    assert result.exit_code == 0
    assert "2 measured: 0 accepted, 2 rejected, 0 unreadable." in result.stderr


def test_table_without_csv(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1
    assert "2 blurred.png" in result.stdout
    assert "4 [red]text.jpg: The file is a text file" in result.stdout
    assert "Sharpness" in result.stdout


def test_thresholds_and_gate(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    blurred = folder / "2 blurred.png"
    value = quality.laplacian_variance(BLURRED)
    assert run(blurred, "--csv", out, "--min-laplacian", value).exit_code == 0
    assert rows(out)[0]["verdict"] == "accept"
    run(blurred, "--csv", out, "--min-laplacian", 0, "--min-gamma", 0.499)
    assert rows(out)[0]["reasons"].startswith("Contrast")
    large = folder / "large.png"
    large.write_bytes(save(SHARP.repeat(4, axis=0).repeat(4, axis=1), "PNG"))
    run(large, "--csv", out, "--gate", "normalised", "--min-laplacian", 2000)
    (row,) = rows(out)
    verdict = "accept" if float(row["laplacian_variance_normalised"]) >= 2000 else "reject"
    assert row["verdict"] == verdict
    assert float(row["laplacian_variance"]) != float(row["laplacian_variance_normalised"])


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (".", "--jobs", "0"),
        (".", "--gate", "best"),
        (".", "--min-gamma", "nan"),
        (".", "--min-laplacian", "-1"),
        (".", "--csv", "missing/folder/out.csv"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_folder_without_pictures_is_wrong_usage(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "no pictures" in result.stderr


def test_files_of_other_formats_are_counted_and_named(folder: Path, tmp_path: Path) -> None:
    """They get no row and leave the exit code as it is, where they are no pictures."""
    for name in ("4 [red]text.jpg", "5 empty.jpg"):
        (folder / name).unlink()
    for name in ("a.doc", "b.svg", "[bold]c.pdf", "d.zip", "notes.txt"):
        (folder / name).touch()
    out = tmp_path / "out.csv"
    result = run(folder, "--csv", out)
    assert result.exit_code == 0
    assert len(rows(out)) == 3
    left_out, summary = result.stderr.splitlines()[-2:]  # below the progress
    assert left_out.startswith("4 files are no pictures by their content")
    assert left_out.endswith(
        f"{folder / '[bold]c.pdf'}, {folder / 'a.doc'}, {folder / 'b.svg'} and 1 more"
    )
    assert summary == "3 measured: 1 accepted, 2 rejected, 0 unreadable."


def test_a_folder_of_other_formats_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "a.heic").touch()
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "a.heic" in result.stderr


def test_csv_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("before")

    def broken() -> Iterator[Row]:
        yield Row("a", 1, 1, 0.0, 0.0, 0.0, "reject", "")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_csv(out, COLUMNS, map(asdict, broken()))
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_csv_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    out, link = tmp_path / "out.csv", tmp_path / "link.csv"
    out.touch()
    link.symlink_to(out)
    write_csv(link, COLUMNS, [])
    assert link.is_symlink()
    assert out.read_text().startswith("file,width")


def test_csv_to_a_device(folder: Path) -> None:
    assert run(folder / "1 sharp.png", "--csv", "/dev/null").exit_code == 0
    assert not Path("/dev/null").is_file()


def test_names_that_are_no_utf_8(folder: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.png")
    try:
        (folder / name).write_bytes(save(SHARP, "PNG"))
    except OSError:
        pytest.skip("this file system holds UTF-8 names only")
    out = tmp_path / "out.csv"
    assert run(folder / name, "--csv", out).exit_code == 0
    assert rows(out)[0]["file"].endswith("caf\\xe9\n.png")
    assert "caf\\xe9\\n.png" in run(folder / name).stdout


def interrupted(path: Path, *_: object) -> Row:
    """Measures all but one file, at which somebody presses Ctrl-C."""
    if path.name.startswith("3"):
        raise KeyboardInterrupt
    return measure(path)


def test_an_interrupt_loses_nothing_and_leaves_no_part_of_a_table(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "measure", interrupted)
    out = tmp_path / "out.csv"
    result = run(folder, "--csv", out, "--jobs", 1)
    assert result.exit_code == 130
    kept = tmp_path / "out.partial.csv"
    assert f"Interrupted; what is done, 2 rows, is in {kept}." in result.stderr
    assert [Path(row["file"]).name[0] for row in rows(kept)] == ["1", "2"]
    assert not out.exists()
    assert run(folder, "--jobs", 1).exit_code == 130


def test_a_disk_that_fills_up_costs_no_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("quality.console.write_csv", full)
    result = run(folder, "--csv", tmp_path / "out.csv")
    assert result.exit_code == 2
    assert "out.csv cannot be written: No space left on device" in result.stderr
    assert len(list(csv.DictReader(result.stdout.splitlines()))) == 5


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_any_encoding_of_the_terminal(tmp_path: Path, encoding: str) -> None:
    """Escapes stand in for letters that it has not, instead of a traceback."""
    (tmp_path / "ж\udce9.png").write_bytes(save(SHARP, "PNG"))
    done = subprocess.run(
        [sys.executable, "-m", "quality", str(tmp_path), str(tmp_path / "gone ж")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "300"},
    )
    assert done.returncode == 1
    assert "\\u0436\\xe9.png" in done.stdout
    assert "Traceback" not in done.stderr


def test_rows_come_in_the_order_of_the_paths(tmp_path: Path) -> None:
    paths = []
    for number in range(12):
        # The first are the largest, so that later ones are done earlier.
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(save(picture(600 - 45 * number, 300), "PNG"))
    assert list(measure_all(paths, jobs=4)) == [measure(path) for path in paths]


def test_a_folder_named_like_a_picture(tmp_path: Path) -> None:
    row = measure(tmp_path)
    assert row.verdict == "error"
    assert "directory" in row.reasons


@pytest.mark.slow
def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C: ends, says so, leaves no table and no traceback."""
    pipe, out = tmp_path / "pipe.png", tmp_path / "out.csv"
    os.mkfifo(pipe)
    command = subprocess.Popen(
        [sys.executable, "-m", "quality", str(pipe), "--csv", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have it ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # Opening waits until the command, in the middle of its work, opens the pipe to read it.
    with pipe.open("wb"):
        command.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(5)  # on a busy machine the signal is heard late
    _, messages = command.communicate(timeout=60)
    assert command.returncode == 130
    assert "Interrupted; nothing was written." in messages
    assert "Traceback" not in messages
    assert list(tmp_path.iterdir()) == [pipe]
