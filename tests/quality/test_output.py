"""Files that commands write: whole or not at all; tables that no program misreads."""

import csv
import os
import threading
from pathlib import Path

import pytest

from quality.output import FORMULA, partial, require_writable, write_csv, write_text
from tests.quality.makers import picture, save


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_replaces_another_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_csv(out, ("a", "b"), [{"a": 1, "b": "x, y"}])
    assert read(out) == [{"a": "1", "b": "x, y"}]
    before = out.read_bytes()
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_csv(out, ("a", "b"), [{"a": 1, "c": 2}])
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_name_that_is_no_text_costs_no_other_row(tmp_path: Path) -> None:
    """The table stays UTF-8, which a strict reader takes."""
    out = tmp_path / "out.csv"
    write_csv(out, ("file",), [{"file": os.fsdecode(b"caf\xe9.png")}, {"file": "é\n\U0001f600"}])
    assert [row["file"] for row in read(out)] == ["caf\\xe9.png", "é\n\U0001f600"]


@pytest.mark.parametrize("letter", FORMULA)
def test_no_cell_is_a_formula(tmp_path: Path, letter: str) -> None:
    out = tmp_path / "out.csv"
    write_csv(out, ("file", "p"), [{"file": f"{letter}1+1", "p": -0.5}])
    assert read(out) == [{"file": f"'{letter}1+1", "p": "-0.5"}]


def test_a_mark_for_spreadsheet_programs_where_asked(tmp_path: Path) -> None:
    for mark, start in ((False, b"a\r\n"), (True, b"\xef\xbb\xbfa\r\n")):
        write_csv(tmp_path / "out.csv", ("a",), [], bom=mark)
        assert (tmp_path / "out.csv").read_bytes() == start


def test_a_table_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    photo = tmp_path / "photo.csv"  # `--csv *.jpg` takes the first picture for the table
    photo.write_bytes(save(picture(), "PNG"))
    with pytest.raises(ValueError, match="is a picture, no table replaces it"):
        require_writable(photo)
    with pytest.raises(ValueError, match=r"the folder of .*out.csv does not exist"):
        require_writable(tmp_path / "gone" / "out.csv")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ValueError, match="folder of"):
        require_writable(loop / "out.csv")
    require_writable(tmp_path / "out.csv")
    require_writable(Path("/dev/null"))
    assert {path.name for path in tmp_path.iterdir()} == {"photo.csv", "loop"}


def test_a_folder_that_takes_no_file() -> None:
    """As root, too, no file is made in /proc."""
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc")
    with pytest.raises(ValueError, match=r"the folder of /proc/out\.csv cannot be written to"):
        require_writable(Path("/proc/out.csv"))


def test_long_names_have_room(tmp_path: Path) -> None:
    out = tmp_path / ("ü" * 120 + ".csv")
    write_csv(out, ("a",), [])
    assert list(tmp_path.iterdir()) == [out]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """And /dev/null stays what it is: whoever replaces it breaks the machine."""
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    for write in (lambda: write_text(pipe, "text"), lambda: write_csv(pipe, ("a",), [])):
        reading = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
        reading.start()
        write()
        reading.join()
    assert got == [b"text", b"a\r\n"]
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_where_rows_of_an_unfinished_table_stay(tmp_path: Path) -> None:
    (tmp_path / "out.partial.csv").touch()
    assert partial(tmp_path / "out.csv") == tmp_path / "out.partial-2.csv"
    assert partial(Path("out")) == Path("out.partial")
    assert partial(Path("/dev/null")) == Path("/dev/null")
