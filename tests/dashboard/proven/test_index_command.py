"""`python -m Dashboard index`: one file, whole or not at all, and a sentence for what is wrong."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from Dashboard import __main__ as command
from Dashboard.assess.service import Service
from Dashboard.proven import index
from Dashboard.proven.index import INDEX_FILE, load

HEAD = "image_id,path,dx,lesion_id"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, make_service: Callable[..., Service]) -> Run:
    """The command, over the tests' checkpoints."""
    monkeypatch.setattr(command, "Service", lambda config: make_service(**vars(config)))
    monkeypatch.setenv("MODEL", "plain")

    def call(*arguments: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(command.app, ["index", *map(str, arguments)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, " ".join(result.stderr.split())

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two pictures of one lesion, and one whose class nobody knows."""
    rows = [HEAD]
    for name, code in (("a", "mel"), ("b", "mel"), ("c", "")):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((300, 200, 3), 99, np.uint8))
        rows.append(f"{name},{name}.png,{code},L")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    return tmp_path


def test_an_index_lies_beside_the_data_and_holds_no_pixels(run: Run, data: Path) -> None:
    code, out, err = run(data)
    assert (code, err) == (0, "")
    assert out.endswith(f"{INDEX_FILE}: pictures 2, lesions 1, model plain 0.1\n")
    made = load(data)
    assert made.ids.tolist() == ["a", "b"]
    assert len(made.thumbnails) == 0


def test_small_pictures_only_where_they_are_asked_for(run: Run, data: Path, tmp_path: Path) -> None:
    assert run(data / "index.csv", "--out", tmp_path / "new", "--thumbnails")[0] == 0
    small = cv2.imdecode(np.frombuffer(load(tmp_path / "new").thumbnails[1], np.uint8), 1)
    assert small is not None
    assert small.shape == (144, 96, 3)


def test_a_picture_that_cannot_be_read_costs_no_other(run: Run, data: Path) -> None:
    (data / "a.png").write_bytes(b"no picture")
    code, out, err = run(data)
    assert (code, "pictures 1," in out) == (command.EXIT_SOME_FAILED, True)
    assert "a.png" in err


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (None, "index.csv cannot be read: No such file or directory; DATA must be a folder"),
        ("image_id,dx\na,nv", "index.csv lacks the columns path, lesion_id"),
        (HEAD, "names no picture whose class (dx) is known"),
        (f"{HEAD}\na,a.png,weird,L", "the classes weird, which taxonomy.json beside it does not"),
        (f"{HEAD}\na,gone.png,nv,L", "no picture of"),
    ],
)
def test_data_that_cannot_be_used(
    run: Run, tmp_path: Path, table: str | None, sentence: str
) -> None:
    if table is not None:
        (tmp_path / "index.csv").write_text(table)
    code, out, err = run(tmp_path)
    assert (code, out) == (command.EXIT_USAGE, "")
    assert sentence in err
    assert not (tmp_path / INDEX_FILE).exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_index_is_written_whole_or_not_at_all(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **_named: object) -> None:
        raise error

    assert run(data)[0] == 0
    before = (data / INDEX_FILE).read_bytes()
    monkeypatch.setattr(index.np, "savez", fail)
    code, _, err = run(data)
    assert code in (command.EXIT_INTERRUPTED, command.EXIT_USAGE)
    assert "nothing was written" in err or "cannot be written: No space left" in err
    assert (data / INDEX_FILE).read_bytes() == before
    assert not list(data.glob(".*"))
