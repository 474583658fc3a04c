"""`python -m Dashboard index`: one file, whole or not at all, and a sentence for what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from Dashboard import __main__ as command
from Dashboard.assess.service import Predictor, Service
from Dashboard.proven import index
from Dashboard.proven.index import INDEX_FILE, load
from tests.dashboard.conftest import by_rule

HEAD = "image_id,path,dx,lesion_id"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, make_service: Callable[..., Service]) -> Run:
    """The command, over the tests' checkpoints."""
    monkeypatch.setenv("MODEL", "plain")
    monkeypatch.setattr(command, "usable_cores", lambda: 1)

    def call(
        *arguments: object, load: Callable[[str], Predictor] = by_rule
    ) -> tuple[int, str, str]:
        monkeypatch.setattr(
            command, "Service", lambda config: make_service(load=load, **vars(config))
        )
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


class Count:
    """Counts the pictures that are classified, and is interrupted at one of them."""

    def __init__(self, last: int = 99) -> None:
        self.calls, self.last = 0, last

    def __call__(self, name: str) -> Predictor:
        made = by_rule(name)
        predict = made.predict

        def counted(images: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls > self.last:
                raise KeyboardInterrupt
            return predict(images, **options)

        made.predict = counted  # type: ignore[method-assign]
        return made


@pytest.fixture
def many(data: Path) -> Path:
    """Eight pictures, each different."""
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), np.uint8)
        cv2.imwrite(str(data / f"{number}.png"), noise)
    rows = [f"{number},{number}.png,nv,L{number}" for number in range(8)]
    (data / "index.csv").write_text("\n".join([HEAD, *rows]))
    return data


@pytest.mark.parametrize("thumbnails", [(), ("--thumbnails",)])
def test_an_interrupted_index_goes_on(run: Run, many: Path, thumbnails: tuple[str, ...]) -> None:
    assert run(many, *thumbnails, "--out", many / "whole")[0] == 0
    first, second = Count(3), Count()
    code, _, err = run(many, *thumbnails, load=first)
    assert (code, "the same command goes on" in err) == (command.EXIT_INTERRUPTED, True)
    assert not (many / INDEX_FILE).exists()
    noise = np.random.default_rng(99).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(many / "0.png"), noise)  # another picture since
    assert run(many, *thumbnails, load=second)[0] == 0
    assert second.calls == 8 - 3 + 1
    made, whole = load(many), load(many / "whole")
    assert made.ids.tolist() == whole.ids.tolist()
    assert (made.vectors[1:] == whole.vectors[1:]).all()
    assert (made.vectors[0] != whole.vectors[0]).any()
    assert made.thumbnails[1:] == whole.thumbnails[1:]
    assert not list(many.glob("*.partial*"))


def test_what_another_command_or_a_kill_left_is_not_gone_on_from(run: Run, many: Path) -> None:
    assert run(many, load=Count(3))[0] == command.EXIT_INTERRUPTED
    other = Count()
    assert run(many, "--thumbnails", load=other)[0] == 0
    assert other.calls == 8
    (many / INDEX_FILE).with_suffix(".partial").write_bytes(b"no database" * 1000)
    again = Count()
    assert run(many, load=again)[0] == 0
    assert again.calls == 8


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
    assert "the same command goes on" in err or "cannot be written: No space left" in err
    assert (data / INDEX_FILE).read_bytes() == before
    assert not list(data.glob(".*"))
